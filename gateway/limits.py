"""How much one document may ask for, told in time linear in its size and before validation, which is not linear.

Every node of the document is visited once: what a fragment weighs is worked out on the first visit and remembered, so
fragments that nest, overlap or repeat cost nothing more. (Strawberry's own limiters follow every spread again: 758
bytes kept them busy for 90 seconds.) Variables are taken at their worst, so the outcome holds for every later use.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    is_leaf_type,
)
from graphql.type.introspection import SchemaMetaFieldDef, TypeMetaFieldDef

from gateway.relay import PAGE_LIMIT

_META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
_EMBEDDED = 5
"""How many items a list is reckoned to hold that comes whole with its parent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`cost` counts field values: a page of pages of 100 passes, a page of pages of pages does not."""

    characters: int = 100_000
    tokens: int = 2_000
    comments: int = 1_000
    depth: int = 15
    aliases: int = 50
    directives: int = 50
    fragments: int = 50
    repeats: int = 20
    root_fields: int = 20
    cost: int = 250_000


class LimitExceeded(GraphQLError):
    def __init__(self, limit: str, allowed: int, node: Node | None = None) -> None:
        message = f"The document goes over a limit: {limit.replace('_', ' ')}, at most {allowed:,}."
        super().__init__(message, node, extensions={"code": "LIMIT_EXCEEDED", "limit": limit, "allowed": allowed})


def check(document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> int:
    """Raises LimitExceeded when `document` asks for too much; answers how many nodes were visited to know."""
    return _Walk(document, schema, limits).run()


@dataclass(slots=True)
class _Weight:
    """Of a selection set: levels of fields, fields at its top, field values for one object."""

    depth: int = 0
    top: int = 0
    cost: int = 0


Composite = GraphQLObjectType | GraphQLInterfaceType


@dataclass(slots=True)
class _Walk:
    document: DocumentNode
    schema: GraphQLSchema
    limits: Limits
    fragments: dict[str, FragmentDefinitionNode] = field(init=False)
    weights: dict[str, _Weight | None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        definitions = self.document.definitions
        self.fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}

    def run(self) -> int:
        for node in self.document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                self.count("fragments", node)
                name = node.name.value
                if self.fragments[name] is not node:  # the other one would go unweighed
                    raise GraphQLError(f"There are several fragments named {name}.", node)
                self.fragment(name, 0)
            elif isinstance(node, OperationDefinitionNode):
                self.directives(node)
                weight = self.selections(node.selection_set, self.schema.get_root_type(node.operation), 0)
                self.allow("root_fields", weight.top, node)
                self.allow("cost", weight.cost, node)
        return self.counts["nodes"]

    def selections(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> _Weight:
        """The weight of a selection set that stands `level` fields deep."""
        total = _Weight()
        names: Counter[str] = Counter()
        pending = [(selection_set, parent)]
        while pending:
            current, kind = pending.pop()
            for node in current.selections:
                self.counts["nodes"] += 1
                self.directives(node)
                if isinstance(node, InlineFragmentNode):
                    condition = node.type_condition
                    pending.append((node.selection_set, self.type_named(condition.name.value) if condition else kind))
                    continue
                if isinstance(node, FieldNode):
                    self.repeated(node, names)
                    weight = self.one_field(node, kind, level + 1)
                else:
                    weight = self.spread(node, level)
                total.depth = max(total.depth, weight.depth)
                total.top += weight.top
                total.cost += weight.cost
        return total

    def one_field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> _Weight:
        self.allow("depth", level, node)
        if node.alias is not None:
            self.count("aliases", node)
        if node.selection_set is None:
            return _Weight(depth=1, top=1, cost=1)
        definition = _definition(parent, node.name.value)
        kind = get_named_type(definition.type) if definition else None
        inner = self.selections(node.selection_set, kind, level)
        return _Weight(depth=1 + inner.depth, top=1, cost=1 + _times(node, definition) * inner.cost)

    def spread(self, node: SelectionNode, level: int) -> _Weight:
        weight = self.fragment(node.name.value, level) if isinstance(node, FragmentSpreadNode) else _Weight()
        self.allow("depth", level + weight.depth, node)
        return weight

    def fragment(self, name: str, level: int) -> _Weight:
        """What spreading the fragment adds. One that is unknown weighs nothing: validation tells of it."""
        if name in self.weights:
            known = self.weights[name]
            if known is None:
                raise GraphQLError(f"The fragment {name} contains itself.", self.fragments[name])
            return known
        node = self.fragments.get(name)
        if node is None:
            return _Weight()
        self.weights[name] = None  # being weighed
        self.directives(node)
        weight = self.selections(node.selection_set, self.type_named(node.type_condition.name.value), level)
        self.weights[name] = weight
        return weight

    def directives(self, node: Node) -> None:
        for directive in getattr(node, "directives", None) or ():
            self.count("directives", directive)

    def repeated(self, node: FieldNode, names: Counter[str]) -> None:
        name = (node.alias or node.name).value
        names[name] += 1
        self.allow("repeats", names[name], node)

    def type_named(self, name: str) -> GraphQLNamedType | None:
        return self.schema.type_map.get(name)

    def count(self, limit: str, node: Node) -> None:
        self.counts[limit] += 1
        self.allow(limit, self.counts[limit], node)

    def allow(self, limit: str, found: int, node: Node) -> None:
        allowed: int = getattr(self.limits, limit)
        if found > allowed:
            raise LimitExceeded(limit, allowed, node)


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    """The field in the schema; None when there is no such field, which validation tells of."""
    own = parent.fields.get(name) if isinstance(parent, Composite) else None
    return own or _META_FIELDS.get(name)


def _times(node: FieldNode, definition: GraphQLField | None) -> int:
    """How often what is selected in a field is answered at most."""
    if definition is None:
        return 1
    if "first" in definition.args:
        default = definition.args["first"].default_value
        return _asked(node, "first", default if isinstance(default, int) else PAGE_LIMIT)
    if "ids" in definition.args:
        return _asked(node, "ids", PAGE_LIMIT)
    if node.name.value == "edges" or not _is_list_of_objects(definition.type):
        return 1  # the connection above has counted its edges
    return _EMBEDDED


def _asked(node: FieldNode, argument: str, default: int) -> int:
    value: ValueNode | None = next((item.value for item in node.arguments or () if item.name.value == argument), None)
    if value is None:
        return default
    if isinstance(value, IntValueNode) and len(value.value) <= 3:
        return min(max(int(value.value), 1), PAGE_LIMIT)  # what is asked for in vain costs something, too
    return min(max(len(value.values), 1), PAGE_LIMIT) if isinstance(value, ListValueNode) else PAGE_LIMIT


def _is_list_of_objects(kind: GraphQLOutputType) -> bool:
    bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    return isinstance(bare, GraphQLList) and not is_leaf_type(get_named_type(bare))
