"""Operations, whatever brought them here: made ready, executed once, or for everything that a subscription tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    Executor,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute,
    get_operation_ast,
)
from graphql import ExecutionResult as CoreResult
from graphql.pyutils import is_awaitable
from strawberry.types import ExecutionResult

from gateway.clients.events import Principal
from gateway.context import Context, Services
from gateway.documents import Documents, Prepared
from gateway.errors import as_json, log_unforeseen, traced
from gateway.execution.executor import QueryExecutor
from gateway.execution.plans import Plans
from gateway.schema import Schema
from gateway.streams.feed import LiveFeeds
from gateway.streams.news import Told
from gateway.streams.newsroom import Live, Newsroom
from gateway.streams.session import Session
from gateway.streams.subscriber import Patience
from infra.chassis.errors import BadRequest

Json = dict[str, Any]
_REQUEST_ERROR = "BAD_USER_INPUT"


class Asked(msgspec.Struct, rename="camel"):
    """What clients send. Nothing is done with `extensions`, but it must have the right shape."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Refused(Exception):
    """What may not be executed, or cannot go on; `errors` say why, as an answer does."""

    def __init__(self, errors: list[Json]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One that may be executed."""

    asked: Asked
    prepared: Prepared
    document: DocumentNode
    node: OperationDefinitionNode
    plans: Plans

    @property
    def kind(self) -> OperationType:
        return self.node.operation


class Operations:
    """Of all callers. Channels are shared between those of one workspace."""

    def __init__(
        self, schema: Schema, documents: Documents, services: Services, feeds: LiveFeeds, patience: Patience
    ) -> None:
        self._schema = schema
        self._queries = QueryExecutor(schema, schema.core)
        self._documents = documents
        self._services = services
        self._feeds = feeds
        self._patience = patience
        self._newsrooms: dict[str, Newsroom] = {}

    def prepare(self, asked: Asked) -> Operation:
        """Raises Refused for a document that may not be executed, BadRequest if no operation is named."""
        prepared = self._documents.prepare(asked.query)
        if prepared.document is None or prepared.plans is None:
            raise Refused(traced(prepared.errors))
        node = get_operation_ast(prepared.document, asked.operation_name)
        if node is None:
            raise BadRequest("Name the operation to execute in `operationName`: one of those in the document.")
        return Operation(asked, prepared, prepared.document, node, prepared.plans)

    async def execute(self, operation: Operation, principal: Principal, after: str | None) -> tuple[Json, Context]:
        """The answer to a query or mutation, and the context in which it came about."""
        context = self._context(operation, principal, after=after)
        answer = _answer(await self._result(operation, context))
        if context.stale:
            answer["extensions"] = {"stale": True}
        return answer, context

    async def subscribe(self, operation: Operation, session: Session) -> AsyncGenerator[str, None]:
        """The answers of a subscription as JSON, one for everything that it tells. Raises Refused when it ends."""
        principal = session.principal
        key = _sharing_key(operation, principal)
        try:
            async with aclosing(await self._source(operation, session)) as source:
                async for some in source:
                    tell = partial(self._tell, operation, principal)
                    for answer in [told.news.answer(key, partial(tell, told)) for told in some]:
                        yield await asyncio.shield(answer)
        except Refused:
            raise
        except Exception as error:
            failure = GraphQLError(str(error), original_error=error)
            log_unforeseen(failure)
            raise Refused(_errors([failure])) from error

    async def _source(self, operation: Operation, session: Session) -> AsyncGenerator[list[Told], None]:
        """What the root field tells. Raises Refused if it does not."""
        workspace = session.principal.workspace
        live = Live(self._newsroom(workspace), session, self._services.events_client(workspace))
        executor = Executor.build(
            self._schema.core,
            operation.document,
            context_value=self._context(operation, session.principal, live=live),
            raw_variable_values=operation.asked.variables,
            operation_name=operation.asked.operation_name,
        )
        if isinstance(executor, list):
            raise Refused(_errors(executor))
        source: Any = create_source_event_stream(executor)
        if is_awaitable(source):
            source = await source
        if isinstance(source, CoreResult):
            raise Refused(_errors(source.errors))
        told: AsyncGenerator[list[Told], None] = source
        return told

    async def _result(self, operation: Operation, context: Context) -> ExecutionResult | CoreResult:
        asked = operation.asked
        result = await self._queries.execute(operation.plans, operation.node, asked.variables, context)
        if result is None:
            return await self._schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
            )
        for error in result.errors or ():
            log_unforeseen(error)
        return result

    def end_subscriptions(self) -> None:
        """Ends all of them, because this process is about to stop."""
        for newsroom in self._newsrooms.values():
            newsroom.stop()

    async def _tell(self, operation: Operation, principal: Principal, told: Told) -> str:
        context = self._context(operation, principal)
        context.loaders = told.news.batch.loaders
        result: Any = execute(
            self._schema.core,
            operation.document,
            root_value=told.value,
            context_value=context,
            variable_values=operation.asked.variables,
            operation_name=operation.asked.operation_name,
        )
        if is_awaitable(result):
            result = await result
        for error in result.errors or ():
            log_unforeseen(error)
        answer = _answer(result)
        if told.position is not None:
            answer["extensions"] = {"position": told.position}
        return msgspec.json.encode(answer).decode()

    def _context(
        self, operation: Operation, principal: Principal, *, after: str | None = None, live: Live | None = None
    ) -> Context:
        return Context(
            document=operation.document,
            fields=operation.prepared.fields,
            principal=principal,
            personas=self._services.personas_client(principal.workspace),
            journeys=self._services.journeys_client(principal.workspace),
            events=self._services.events_client(principal.workspace),
            after=after,
            live=live,
        )

    def _newsroom(self, workspace: str) -> Newsroom:
        if workspace not in self._newsrooms:
            services = self._services
            self._newsrooms[workspace] = Newsroom(
                workspace,
                self._feeds,
                lambda: services.events_client(workspace),
                lambda: services.loaders(workspace),
                self._patience,
            )
        return self._newsrooms[workspace]


def _sharing_key(operation: Operation, principal: Principal) -> tuple[object, ...]:
    """All that an answer depends on, but for what is told: two subscriptions with the same key get the same answers."""
    variables = operation.asked.variables or {}
    inner = {name: variables[name] for name in sorted(operation.prepared.inner_variables & variables.keys())}
    return (
        operation.asked.query,
        operation.asked.operation_name,
        msgspec.json.encode([inner, msgspec.structs.replace(principal, key=None)], order="sorted"),
    )


def _answer(result: ExecutionResult | CoreResult) -> Json:
    errors = _errors(result.errors)
    answer: Json = {}
    if errors:
        answer["errors"] = errors
    if result.data is not None or any("path" in error for error in errors):
        answer["data"] = result.data
    return answer


def _errors(errors: list[GraphQLError] | None) -> list[Json]:
    return traced(as_json(error, _REQUEST_ERROR) for error in errors or ())
