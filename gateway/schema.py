"""The GraphQL schema, put together from its areas. `python -m gateway.schema` writes it down in schema.graphql."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gateway.areas.customers.queries import CustomerQueries
from gateway.areas.customers.subscriptions import CustomerSubscriptions
from gateway.areas.events.mutations import EventMutations
from gateway.areas.events.queries import EventQueries
from gateway.areas.insights.subscriptions import InsightSubscriptions
from gateway.areas.journeys.mutations import JourneyMutations
from gateway.areas.journeys.queries import JourneyQueries
from gateway.areas.nodes.queries import NodeQueries
from gateway.areas.personas.mutations import PersonaMutations
from gateway.areas.personas.queries import PersonaQueries
from gateway.areas.sources.mutations import SourceMutations
from gateway.areas.sources.queries import SourceQueries
from gateway.areas.tokens.mutations import TokenMutations
from gateway.areas.workspace.mutations import WorkspaceMutations
from gateway.areas.workspace.queries import WorkspaceQueries
from gateway.errors import log_unforeseen
from gateway.scalars import SCALARS

SDL = Path(__file__).with_name("schema.graphql")


@strawberry.type
class Query(
    NodeQueries, WorkspaceQueries, PersonaQueries, JourneyQueries, CustomerQueries, EventQueries, SourceQueries
):
    pass


@strawberry.type
class Mutation(WorkspaceMutations, SourceMutations, EventMutations, TokenMutations, PersonaMutations, JourneyMutations):
    pass


@strawberry.type
class Subscription(CustomerSubscriptions, InsightSubscriptions):
    pass


class PreparedDocument(SchemaExtension):
    """Executes the document that the context carries: it was parsed, limited and validated before, once for all."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document
        self.execution_context.validation_rules = ()
        yield


class Schema(strawberry.Schema):
    @property
    def core(self) -> GraphQLSchema:
        """The same schema as graphql-core knows it."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs what nobody foresaw. Strawberry's own way writes whole documents, values included, to stderr."""
        for error in errors:
            log_unforeseen(error)


def create_schema() -> Schema:
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[PreparedDocument],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


if __name__ == "__main__":
    SDL.write_text(create_schema().as_str() + "\n", encoding="utf-8")
