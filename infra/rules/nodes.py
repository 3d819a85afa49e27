"""The syntax tree of a rule, as small as rules are.

A node's `place` is what names it in the text: the literal, the name, the operator, or the name of the called function.
Nodes are compared by identity, so that later passes can keep what they learn about a node in a dictionary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf

from infra.rules.errors import Place

Scalar = bool | int | float | str | bytes | None
Comparison = OneOf["==", "!=", "<", "<=", ">", ">=", "in"]
Arithmetic = OneOf["+", "-", "*", "/", "%"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An expression."""

    place: Place

    def parts(self) -> tuple["Node", ...]:
        """The expressions directly inside this one, in the order of the text."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    value: Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A variable of the event, or of an enclosing macro."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ListOf(Node):
    items: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True, eq=False)
class Select(Node):
    """`target.field`"""

    target: Node
    field: str

    def parts(self) -> tuple[Node, ...]:
        return (self.target,)


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """`target[key]`"""

    target: Node
    key: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.target, self.key)


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """`function(arguments)`, or `target.function(arguments)`."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.arguments if self.target is None else (self.target, *self.arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Has(Node):
    """`has(target.field)`"""

    target: Node
    field: str

    def parts(self) -> tuple[Node, ...]:
        return (self.target,)


@dataclass(frozen=True, slots=True, eq=False)
class Macro(Node):
    """`target.exists(variable, predicate)` or `target.all(variable, predicate)`."""

    function: OneOf["exists", "all"]
    target: Node
    variable: str
    predicate: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.target, self.predicate)


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    operand: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, eq=False)
class Negate(Node):
    """Unary minus."""

    operand: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, eq=False)
class Compute(Node):
    operator: Arithmetic
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    operator: Comparison
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Logic(Node):
    """Two or more operands joined by one operator; `a || b || c` is one node, however long it is."""

    operator: OneOf["&&", "||"]
    operands: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """`test ? then : otherwise`"""

    test: Node
    then: Node
    otherwise: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.test, self.then, self.otherwise)


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, the root's being 1; without recursion, as a tree may be deeper than Python's stack."""
    pending = [(root, 1)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((part, depth + 1) for part in reversed(node.parts()))
