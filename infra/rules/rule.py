"""Rules: the one door to this package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, cast

from infra.rules.check import check, event_name, within
from infra.rules.compile import compile_condition
from infra.rules.cost import check_cost
from infra.rules.history import History
from infra.rules.kinds import HISTORY, OF_CUSTOMER
from infra.rules.names import names
from infra.rules.nodes import Call, walk
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


class Outcome(NamedTuple):
    """`due_at`: the first moment after now (microseconds) at which time alone may change it; None: it never does."""

    matches: bool
    due_at: int | None


class Question(NamedTuple):
    """What a rule asks of what a customer did."""

    function: Literal["count", "seen", "since"]
    name: str
    """Of the event."""
    within: int | None
    """How far back it looks, in microseconds; None: as far as there is anything."""


@dataclass(frozen=True, slots=True)
class CustomerRule:
    """A checked rule over a customer. Two rules are equal if their texts are."""

    text: str
    questions: tuple[Question, ...] = field(compare=False)
    """All that it may ask, each once, in the order of the text: apart from time and traits, nothing but the answers
    can change its outcome."""
    _condition: Callable[[History], bool] = field(compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The events that it asks about."""
        return frozenset(question.name for question in self.questions)

    def judge(self, traits: Mapping[str, Any], moments: Mapping[str, Sequence[int]], now: int) -> Outcome:
        """Whether the rule matches a customer at the moment `now`. Never raises, whatever the traits hold.

        `moments`: when the events in `names` occurred, ascending; like `now` in microseconds since 1970.
        """
        history = History(traits, moments, now)
        return Outcome(self._condition(history), history.due_at)


@lru_cache(_REMEMBERED)
def parse_rule(text: str) -> Rule:
    """The rule that `text` spells in CEL; raises RuleError, with code, line and column, if it is not a rule.

    Takes about a millisecond, the first call 0.3 s more, for it builds the parser.
    """
    root = parse(text)
    kinds = check(root)
    check_cost(root, kinds)
    return Rule(text, names(root), compile_condition(root, kinds))


@lru_cache(_REMEMBERED)
def parse_customer_rule(text: str) -> CustomerRule:
    """As `parse_rule`, of a rule over a customer: over `traits`, count(), seen() and since()."""
    root = parse(text)
    kinds = check(root, OF_CUSTOMER)
    check_cost(root, kinds)
    calls = (node for node, _ in walk(root) if isinstance(node, Call) and node.target is None)
    questions = dict.fromkeys(_question(call) for call in calls if call.function in HISTORY)
    return CustomerRule(text, tuple(questions), compile_condition(root, kinds))


def _question(call: Call) -> Question:
    function = cast(Literal["count", "seen", "since"], call.function)
    return Question(function, event_name(call), None if function == "since" else within(call))
