"""GraphQL over HTTP: one operation a request, JSON in and out."""

from __future__ import annotations

from typing import Any

import msgspec
from graphql import OperationDefinitionNode, OperationType, get_operation_ast
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html
from strawberry.types import ExecutionResult

from gateway.clients.events import EventsClient, Principal
from gateway.clients.journeys import JourneysClient
from gateway.clients.personas import PersonasClient
from gateway.context import Context
from gateway.documents import Documents, Prepared
from gateway.errors import as_json
from gateway.keys import Keys
from gateway.schema import Schema
from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import BadRequest, NotFound, Problem, TooLarge, Unauthenticated
from infra.chassis.http import Upstream

_BODY_LIMIT = 1_024 * 1_024
_JSON = "application/json"
_GRAPHQL_JSON = "application/graphql-response+json"


_Variables = dict[str, Any] | None


class Asked(msgspec.Struct, rename="camel"):
    """The body of a request. Nothing is done with `extensions`, but it must have the right shape."""

    query: str
    variables: _Variables = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class UnsupportedMediaType(BadRequest):
    status = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class MethodNotAllowed(BadRequest):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"

    def headers(self) -> dict[str, str]:
        return {"Allow": "POST"}


class Endpoint:
    """Answers `POST /graphql`, queries by `GET /graphql`, and with `explorer` GraphiQL for a browser."""

    def __init__(
        self,
        *,
        schema: Schema,
        documents: Documents,
        keys: Keys,
        personas: Upstream,
        journeys: Upstream,
        events: Upstream,
        tokens: ServiceTokens,
        explorer: bool,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._keys = keys
        self._personas = personas
        self._journeys = journeys
        self._events = events
        self._tokens = tokens
        self._explorer = explorer

    async def respond(self, request: Request) -> Response:
        if _wants_page(request):
            return self._graphiql()
        media_type = _GRAPHQL_JSON if _GRAPHQL_JSON in request.headers.get("accept", "") else _JSON
        try:
            principal = await self._keys.principal(request.headers.get("authorization"))
            asked = await _read(request)
            prepared = self._documents.prepare(asked.query)
            return await self._answer(request, principal, asked, prepared, media_type)
        except Problem as problem:
            return _refuse(problem, media_type)

    async def _answer(
        self, request: Request, principal: Principal, asked: Asked, prepared: Prepared, media_type: str
    ) -> Response:
        if prepared.document is None:
            return _respond({"errors": prepared.errors}, media_type)
        operation = get_operation_ast(prepared.document, asked.operation_name)
        if operation is None:
            raise BadRequest("Name the operation to execute in `operationName`: one of those in the document.")
        _allow_method(request.method, operation)
        workspace = principal.workspace
        context = Context(
            document=prepared.document,
            fields=prepared.fields,
            principal=principal,
            personas=PersonasClient(self._personas, self._tokens.mint(PersonasClient.audience, workspace)),
            journeys=JourneysClient(self._journeys, self._tokens.mint(JourneysClient.audience, workspace)),
            events=EventsClient(self._events, self._tokens.mint(EventsClient.audience, workspace)),
            after=request.headers.get("klantreis-after"),
        )
        result = await self._schema.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
        )
        headers = {"Klantreis-Position": context.recorded} if context.recorded else {}
        return _respond(_as_json(result, context), media_type, headers)

    def _graphiql(self) -> Response:
        if not self._explorer:
            return _refuse(NotFound("GraphiQL is there in development only."), _JSON)
        return HTMLResponse(get_graphql_ide_html("graphiql"))


def _wants_page(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return (
        request.method == "GET" and "query" not in request.query_params and ("text/html" in accept or "*/*" in accept)
    )


async def _read(request: Request) -> Asked:
    if request.method == "GET":
        return _decode_parameters(request)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:  # a page on another origin cannot send this without asking first
        raise UnsupportedMediaType("Send the operation as application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise TooLarge(f"A request may have at most {_BODY_LIMIT:,} bytes.")
    if body.lstrip().startswith(b"["):
        raise BadRequest("Send one operation a request; batches are not supported.")
    asked: Asked = _decode(bytes(body), Asked)
    return asked


def _decode_parameters(request: Request) -> Asked:
    parameters = request.query_params
    if "query" not in parameters:
        raise BadRequest("Give the operation in `query`.")
    variables = parameters.get("variables") or "null"
    return Asked(
        query=parameters["query"],
        variables=_decode(variables.encode(), _Variables),
        operation_name=parameters.get("operationName"),
    )


def _decode(body: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The request does not have the right shape: {error}.") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest("This is not valid JSON.") from error


def _allow_method(method: str, operation: OperationDefinitionNode) -> None:
    if method == "GET" and operation.operation is not OperationType.QUERY:
        raise MethodNotAllowed("Only queries may be sent by GET; use POST.")


def _as_json(result: ExecutionResult, context: Context) -> dict[str, Any]:
    errors = [as_json(error, "BAD_USER_INPUT") for error in result.errors or ()]
    answer: dict[str, Any] = {}
    if errors:
        answer["errors"] = errors
    if result.data is not None or any("path" in error for error in errors):
        answer["data"] = result.data
    if context.stale:
        answer["extensions"] = {"stale": True}
    return answer


def _respond(answer: dict[str, Any], media_type: str, headers: dict[str, str] | None = None) -> Response:
    """200, unless nothing was executed and the client knows the media type in which that is a 400."""
    status = 400 if "data" not in answer and media_type == _GRAPHQL_JSON else 200
    return Response(msgspec.json.encode(answer), status, headers, media_type)


def _refuse(problem: Problem, media_type: str) -> Response:
    """A refusal before anything was executed: a GraphQL error, plus the members that plain HTTP clients look for."""
    answer = {
        "errors": [{"message": problem.message, "extensions": {"code": problem.code}}],
        "code": problem.code,
        "message": problem.message,
    }
    headers = problem.headers()
    if isinstance(problem, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(answer), problem.status, headers, media_type)
