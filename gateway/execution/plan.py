from __future__ import annotations

from dataclasses import dataclass

from graphql import ExecutionResult, FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues

from gateway.execution.runs import Complete, Run


@dataclass(frozen=True, slots=True)
class Plan:
    """How an operation is executed, whatever its variables are except those of @skip and @include."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    complete: Complete
    """Makes the `data` of the answer."""

    async def execute(self, context: object, variables: VariableValues) -> ExecutionResult:
        return await Run(self, context, variables).execute(self.complete)
