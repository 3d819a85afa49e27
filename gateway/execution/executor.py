from __future__ import annotations

from typing import Any

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from gateway.execution.plan import Plan
from gateway.execution.planner import plan_of
from gateway.execution.plans import Plans
from gateway.execution.resolvers import NotPlanned

_MOST_ERRORS = 50  # in variables, as graphql-core has it


class QueryExecutor:
    """Executes queries by plan. `core` is the same schema as graphql-core knows it."""

    def __init__(self, schema: strawberry.Schema, core: GraphQLSchema) -> None:
        self._schema = schema
        self._core = core

    async def execute(
        self, plans: Plans, operation: OperationDefinitionNode, variables: dict[str, Any] | None, context: object
    ) -> ExecutionResult | None:
        """The answer to an operation of the valid document that `plans` are of; None for what is Strawberry's to do.

        That is: everything but queries, introspection, extensions of fields other than permissions, and conditions that
        have no value.
        """
        if operation.operation is not OperationType.QUERY:
            return None
        definitions = operation.variable_definitions or ()
        values = get_variable_values(self._core, definitions, variables or {}, max_errors=_MOST_ERRORS)
        if isinstance(values, list):
            return ExecutionResult(None, values)
        plan = plans.get(operation, values, lambda: self._plan(plans, operation, values))
        return None if plan is None else await plan.execute(context, values)

    def _plan(self, plans: Plans, operation: OperationDefinitionNode, variables: VariableValues) -> Plan | None:
        try:
            return plan_of(self._schema, self._core, operation, plans.fragments, variables)
        except (NotPlanned, GraphQLError):
            return None
