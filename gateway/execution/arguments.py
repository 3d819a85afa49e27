from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import BREAK, Node, VariableNode, Visitor, get_argument_values, visit
from graphql.execution.values import VariableValues
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

if TYPE_CHECKING:
    from gateway.execution.selected import Selected

Arguments = Mapping[str, Any]
"""What a resolver is called with, by the names that it has in Python. It may not change them: others get the same."""


class ArgumentValues:
    """The arguments of one selected field: the same for all requests, unless there are variables in them."""

    def __init__(self, schema: strawberry.Schema, selected: Selected, field: StrawberryField) -> None:
        self._schema = schema
        self._selected = selected
        self._field = field
        self._varies = any(_has_variables(argument) for argument in selected.nodes[0].arguments or ())
        self._known: Arguments | None = None

    def of(self, variables: VariableValues) -> Arguments:
        """Raises GraphQLError for what graphql-core refuses."""
        if self._known is not None:
            return self._known
        node = self._selected.nodes[0]
        values = convert_arguments(
            get_argument_values(self._selected.definition, node, variables),
            self._field.arguments,
            config=self._schema.config,
            scalar_registry=self._schema.schema_converter.scalar_registry,
        )
        if not self._varies:
            self._known = values
        return values


def _has_variables(node: Node) -> bool:
    finder = _VariableFinder()
    visit(node, finder)
    return finder.found


class _VariableFinder(Visitor):
    found = False

    def enter_variable(self, _node: VariableNode, *_place: Any) -> Any:
        self.found = True
        return BREAK
