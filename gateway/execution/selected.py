from __future__ import annotations

from dataclasses import dataclass

from graphql import FieldNode, GraphQLField, GraphQLObjectType, is_non_null_type


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """A field of an object type, as a document selects it under one response name, perhaps in several places."""

    key: str
    nodes: list[FieldNode]
    definition: GraphQLField
    parent_type: GraphQLObjectType

    @property
    def name(self) -> str:
        return self.nodes[0].name.value

    @property
    def nullable(self) -> bool:
        return not is_non_null_type(self.definition.type)
