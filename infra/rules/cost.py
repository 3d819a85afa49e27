"""What a rule may cost, decided before it ever runs.

Public write keys let anyone send events, so the work of a rule may not grow with the square of what an event holds: a
loop over a list of the event may loop over parts of its own element, but not over, or search through, anything else
that the event can make long, plain text excepted. Within that, the steps below are counted, and a rule of more than
`MAX_STEPS` is refused.
"""

from collections.abc import Mapping
from typing import Final

from infra.rules.errors import RuleError
from infra.rules.kinds import Kind, certain
from infra.rules.nodes import Call, Compare, Compute, Conditional, Index, ListOf, Literal, Macro, Name, Node, Select
from infra.rules.patterns import compile_pattern

MAX_STEPS: Final = 2_000
SCAN_STEPS: Final = 10
"""For reading through one value of the event, such as a text or a list; a pattern adds its compiled size."""
HISTORY_STEPS: Final = 10
"""For looking up what a customer did: a search in sorted moments, however long the history."""
LOOP_STEPS: Final = 50
"""Times that the body of a loop over the event is counted."""

_SIZED: Final = Kind.STRING | Kind.BYTES | Kind.LIST | Kind.MAP
Sizes = Mapping[str, int]
"""Of the macro variables: how many values of the event, each as long as the event lets it be, they can hold."""


def check_cost(root: Node, kinds: Mapping[Node, Kind]) -> None:
    """Raise RuleError at the place where the rule becomes too costly."""
    _Counter(kinds).visit(root, {}, 1, looping=False)


class _Counter:
    def __init__(self, kinds: Mapping[Node, Kind]) -> None:
        self._kinds = kinds
        self._steps = 0

    def visit(self, node: Node, sizes: Sizes, times: int, *, looping: bool) -> None:
        """Count `node`, which is evaluated `times` times, inside a loop over the event or not."""
        scanned = self._scanned(node, sizes)
        if scanned and looping and not _searches_text(node):
            raise RuleError("RULE_TOO_COSTLY", "this reads the event again for every element of a loop", node.place)
        self._steps += times * (1 + SCAN_STEPS * scanned + _program(node))
        if self._steps > MAX_STEPS:
            raise RuleError("RULE_TOO_COSTLY", f"the rule takes more than {MAX_STEPS:,} steps", node.place)
        if isinstance(node, Macro):
            self._loop(node, sizes, times, looping=looping)
        else:
            for part in node.parts():
                self.visit(part, sizes, times, looping=looping)

    def _loop(self, node: Macro, sizes: Sizes, times: int, *, looping: bool) -> None:
        self.visit(node.target, sizes, times, looping=looping)
        if isinstance(node.target, ListOf):
            size = max((self._size(item, sizes) for item in node.target.items), default=0)
            inner, times = {**sizes, node.variable: size}, times * len(node.target.items)
        elif not looping:
            inner, times, looping = {**sizes, node.variable: 0}, times * LOOP_STEPS, True
        elif self._size(node.target, sizes) == 0:
            # A part of the enclosing element: all its loops together see each part of the event once.
            inner = {**dict.fromkeys(sizes, 1), node.variable: 0}
        else:
            raise RuleError("RULE_TOO_COSTLY", "a loop inside a loop may only be over its element", node.place)
        self.visit(node.predicate, inner, times, looping=looping)

    def _size(self, node: Node, sizes: Sizes) -> int:
        if not self._kinds[node] & _SIZED:
            return 0
        match node:
            case Name(name=name):
                return sizes.get(name, 1)
            case Select(target=target) | Index(target=target):
                return self._size(target, sizes)
            case ListOf(items=items):
                return sum(self._size(item, sizes) for item in items)
            case Compute(left=left, right=right):
                return self._size(left, sizes) + self._size(right, sizes)
            case Conditional(then=then, otherwise=otherwise):
                return max(self._size(then, sizes), self._size(otherwise, sizes))
        return 0

    def _scanned(self, node: Node, sizes: Sizes) -> int:
        """How many values of the event are read through to evaluate this one node."""
        match node:
            case Compute(operator="+"):
                return self._size(node, sizes)
            case Compare(operator="in", right=container):
                is_map = certain(self._kinds[container]) is Kind.MAP
                return 0 if is_map else self._size(container, sizes)
            case Compare(left=left, right=right):
                return min(self._size(left, sizes), self._size(right, sizes))
            case Call(function="contains" | "matches", target=Node() as target):
                return self._size(target, sizes)
            case Call(function="startsWith" | "endsWith", target=Node() as target, arguments=(affix,)):
                return min(self._size(target, sizes), self._size(affix, sizes))
        return 0


def _searches_text(node: Node) -> bool:
    """The one repeated search that is cheap enough: measured, at worst .1 s for an event of 32 KiB."""
    return isinstance(node, Call) and node.function in ("contains", "startsWith", "endsWith")


def _program(node: Node) -> int:
    match node:
        case Call(function="count" | "seen" | "since", target=None):
            return HISTORY_STEPS
        case Call(function="matches", arguments=(Literal(value=str(pattern)),)):
            return compile_pattern(pattern).program
    return 0
