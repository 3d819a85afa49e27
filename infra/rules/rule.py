"""A rule: the one door to this package."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from infra.rules.check import check
from infra.rules.compile import compile_condition
from infra.rules.cost import check_cost
from infra.rules.names import names
from infra.rules.syntax import parse

_REMEMBERED = 2_048  # a journey repeats rules, and each version of it repeats most of the one before


class Facts(Protocol):
    """What a rule sees of one event. The maps hold JSON as parsed: dict, list, str, int, float, bool and None."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def channel(self) -> str | None:
        """None: the variable is missing."""

    @property
    def device(self) -> str | None:
        """None: the variable is missing."""

    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def traits(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule over one event. Two rules are equal if their texts are."""

    text: str
    names: frozenset[str] | None = field(compare=False)
    """The event names that the rule can match, perhaps some more; None: any."""
    matches: Callable[[Facts], bool] = field(compare=False, repr=False)
    """Whether the rule matches an event. Never raises, whatever the event holds."""


@lru_cache(_REMEMBERED)
def parse_rule(text: str) -> Rule:
    """The rule that `text` spells in CEL; raises RuleError, with code, line and column, if it is not a rule.

    Takes about a millisecond, the first call 0.3 s more, for it builds the parser.
    """
    root = parse(text)
    kinds = check(root)
    check_cost(root, kinds)
    return Rule(text, names(root), compile_condition(root, kinds))
