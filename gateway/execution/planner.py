from __future__ import annotations

import strawberry
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gateway.execution.completion import (
    abstract_completion,
    leaf_completion,
    list_completion,
    object_completion,
    required,
    root_completion,
    serializer,
)
from gateway.execution.fields import field_of
from gateway.execution.plan import Plan
from gateway.execution.resolvers import NotPlanned
from gateway.execution.runs import Complete
from gateway.execution.selected import Selected
from gateway.execution.selections import Field, Selection


def plan_of(
    schema: strawberry.Schema,
    core: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> Plan:
    """The plan for all variables that decide on @skip and @include as these do.

    Raises NotPlanned for what only Strawberry can execute, GraphQLError if a condition has no value.
    """
    return _Planner(schema, core, operation, fragments, variables).plan()


_MOST_FIELDS = 1_000
"""Of a plan. Fragments that spread each other make a short document a large tree, of which little may be reached."""

_INTROSPECTION = (SchemaMetaFieldDef, TypeMetaFieldDef)


class _Planner:
    """Fields are collected by graphql-core itself, fragments and conditions included."""

    def __init__(
        self,
        schema: strawberry.Schema,
        core: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._core = core
        self._operation = operation
        self._fragments = fragments
        self._details = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variables = variables
        self._fields = 0

    def plan(self) -> Plan:
        query = self._core.query_type
        if query is None:
            raise NotPlanned
        root = collect_fields(self._core, self._details, self._variables, query, self._operation).grouped_field_set
        selection = self._selection(query, root)
        return Plan(self._core, self._operation, self._fragments, root_completion(selection))

    def _selection(self, type_: GraphQLObjectType, collected: GroupedFieldSet) -> Selection:
        return Selection([self._field(type_, key, details) for key, details in collected.items()])

    def _field(self, parent_type: GraphQLObjectType, key: str, details: FieldDetailsList) -> Field:
        self._fields += 1
        if self._fields > _MOST_FIELDS:
            raise NotPlanned
        nodes = [detail.node for detail in details]
        definition = self._core.get_field(parent_type, nodes[0].name.value)
        if definition is None or definition in _INTROSPECTION:
            raise NotPlanned
        selected = Selected(key, nodes, definition, parent_type)
        return field_of(self._schema, selected, self._completion(definition.type, selected, details))

    def _completion(self, type_: GraphQLOutputType, selected: Selected, details: FieldDetailsList) -> Complete:
        if is_non_null_type(type_):
            return required(self._completion(type_.of_type, selected, details), selected)
        if is_list_type(type_):
            item = type_.of_type
            complete_item = self._completion(item, selected, details)
            return list_completion(complete_item, selected, nullable=not is_non_null_type(item))
        if is_leaf_type(type_):
            return leaf_completion(serializer(type_))
        if is_abstract_type(type_):
            possible = {
                possible.name: self._object(possible, selected, details)
                for possible in self._core.get_possible_types(type_)
            }
            return abstract_completion(type_, possible, selected)
        if is_object_type(type_):
            return self._object(type_, selected, details)
        raise NotPlanned

    def _object(self, type_: GraphQLObjectType, selected: Selected, details: FieldDetailsList) -> Complete:
        collected = collect_subfields(self._core, self._details, self._variables, self._operation, type_, details)
        return object_completion(type_, self._selection(type_, collected.grouped_field_set), selected)
