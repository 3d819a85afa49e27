"""A rule taken apart: the cases in which it matches, each a list of comparisons that must hold or fail.

The author's form, beside the compiled one: it answers questions about rules, not about events, and only authoring asks
them. A comparison that fails is false, whatever the reason, so taking a rule apart is plain propositional logic.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, product
from typing import Any, Final

from infra.rules.check import check
from infra.rules.compile import compile_condition
from infra.rules.kinds import VARIABLES, Kind
from infra.rules.nodes import (
    Call,
    Compare,
    Conditional,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Name,
    Node,
    Not,
    Scalar,
    Select,
    walk,
)
from infra.rules.rule import Rule
from infra.rules.syntax import parse

MOST_CASES: Final = 32
"""Cases looked at for one rule. A rule with more is known in part: examples are found, nothing is called impossible."""

Path = tuple[str, ...]
"""A variable of the event, and the fields from there: `("properties", "total")`."""


@dataclass(frozen=True, eq=False)
class Test:
    """A comparison, or anything else that is true or false and not made of smaller conditions."""

    node: Node
    paths: frozenset[Path]
    """What it reads of the event."""
    literals: tuple[Scalar, ...]
    holds: Callable[[Any], bool]

    @cached_property
    def path(self) -> Path | None:
        """The one thing that it reads; None if it is several, or nothing."""
        return next(iter(self.paths)) if len(self.paths) == 1 else None

    @cached_property
    def is_plain(self) -> bool:
        """Whether it does no more than compare that one thing with literals, or ask whether it is there."""
        match self.node:
            case Compare(operator="in", left=left, right=ListOf(items=items)):
                return reference(left) is not None and all(isinstance(item, Literal) for item in items)
            case Compare(left=left, right=right):
                return any(
                    reference(one) is not None and isinstance(other, Literal)
                    for one, other in ((left, right), (right, left))
                )
            case Has() | Name() | Select() | Index(key=Literal(value=str())):
                return self.path is not None
        return False

    @cached_property
    def names_values(self) -> bool:
        """Whether it holds for its literals alone, as `==` and `in` do."""
        return self.is_plain and isinstance(self.node, Compare) and self.node.operator in ("==", "in")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A test, and whether it must hold or fail."""

    test: Test
    holds: bool


Case = tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """The events that match a rule, or that do not, are those of at least one of the cases."""

    cases: tuple[Case, ...]
    complete: bool = True
    """Whether these are all: `MOST_CASES` left none out."""


@dataclass(frozen=True, eq=False)
class Study:
    """A rule that questions are asked about. Taking it apart costs about as much as parsing it did."""

    rule: Rule
    _tests: dict[Node, Test] = field(default_factory=dict, repr=False)

    @cached_property
    def matching(self) -> Cases:
        return self._cases(self._root, True)

    @cached_property
    def avoiding(self) -> Cases:
        return self._cases(self._root, False)

    @cached_property
    def _root(self) -> Node:
        return parse(self.rule.text)

    @cached_property
    def _kinds(self) -> Mapping[Node, Kind]:
        return check(self._root)

    def _cases(self, node: Node, wanted: bool) -> Cases:
        match node:
            case Literal(value=value):
                return Cases(((),) if (value is True) == wanted else ())
            case Not(operand=operand):
                return self._cases(operand, not wanted)
            case Logic(operator=operator, operands=operands):
                parts = [self._cases(operand, wanted) for operand in operands]
                return _all_of(parts) if (operator == "&&") == wanted else _any_of(parts)
            case Conditional(test=test, then=then, otherwise=otherwise):
                yes = _all_of([self._cases(test, True), self._cases(then, wanted)])
                no = _all_of([self._cases(test, False), self._cases(otherwise, wanted)])
                return _any_of([yes, no])
        return Cases(((Wanted(self._test(node), wanted),),))

    def _test(self, node: Node) -> Test:
        if node not in self._tests:
            literals = tuple(part.value for part, _ in walk(node) if isinstance(part, Literal))
            self._tests[node] = Test(node, paths(node), literals, compile_condition(node, self._kinds))
        return self._tests[node]


def reference(node: Node) -> Path | None:
    """The path that an expression names; None for any other expression."""
    fields: list[str] = []
    while True:
        match node:
            case Name(name=name):
                return (name, *reversed(fields)) if name in VARIABLES else None
            case Select(target=target, field=name) | Index(target=target, key=Literal(value=str(name))):
                fields.append(name)
                node = target
            case _:
                return None


def paths(node: Node) -> frozenset[Path]:
    """Everything that an expression reads of the event."""
    found: set[Path] = set()
    pending = [node]
    while pending:
        part = pending.pop()
        of_field = reference(part.target) if isinstance(part, Has) else None
        if isinstance(part, Has) and of_field is not None:
            found.add((*of_field, part.field))
        elif (path := reference(part)) is not None:
            found.add(path)
        else:
            pending.extend(part.parts())
    return frozenset(found)


def affixes(node: Node) -> Mapping[str, str]:
    """The literal of a `startsWith`, `endsWith` or `contains`, by that name; nothing for any other test."""
    match node:
        case Call(function="startsWith" | "endsWith" | "contains" as function, arguments=(Literal(value=str(text)),)):
            return {function: text}
    return {}


def _all_of(parts: list[Cases]) -> Cases:
    found: tuple[Case, ...] = ((),)
    complete = all(part.complete for part in parts)
    for part in parts:
        joined = [(*one, *other) for one, other in product(found, part.cases)]
        complete = complete and len(joined) <= MOST_CASES
        found = tuple(joined[:MOST_CASES])
    return Cases(found, complete)


def _any_of(parts: list[Cases]) -> Cases:
    found = tuple(chain.from_iterable(part.cases for part in parts))
    return Cases(found[:MOST_CASES], len(found) <= MOST_CASES and all(part.complete for part in parts))
