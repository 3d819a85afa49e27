"""GraphQL over HTTP: one operation a request, JSON in and out."""

from __future__ import annotations

from typing import Any

import msgspec
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html

from gateway.clients.events import Principal
from gateway.context import Context
from gateway.errors import traced
from gateway.keys import Keys
from gateway.operations import Asked, Operation, Operations, Refused
from gateway.streams.http import EventStream, Format, Multipart, Streaming, streamed
from gateway.streams.session import Session
from infra.chassis.errors import BadRequest, NotFound, Problem, TooLarge, Unauthenticated

_BODY_LIMIT = 1_024 * 1_024
_JSON = "application/json"
_GRAPHQL_JSON = "application/graphql-response+json"


_Variables = dict[str, Any] | None


class UnsupportedMediaType(BadRequest):
    status = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class MethodNotAllowed(BadRequest):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"

    def headers(self) -> dict[str, str]:
        return {"Allow": "POST"}


class NotAcceptable(BadRequest):
    status = 406
    default_code = "NOT_ACCEPTABLE"


class Endpoint:
    """Answers `POST /graphql`, queries by `GET /graphql`, and with `explorer` GraphiQL for a browser.

    Subscriptions, and everything at `POST /graphql/stream`, are answered as streams.
    """

    def __init__(self, operations: Operations, keys: Keys, streaming: Streaming, *, explorer: bool) -> None:
        self._operations = operations
        self._keys = keys
        self._streaming = streaming
        self._explorer = explorer

    async def respond(self, request: Request) -> Response:
        if _wants_page(request):
            return self._graphiql()
        media_type = _GRAPHQL_JSON if _GRAPHQL_JSON in request.headers.get("accept", "") else _JSON
        try:
            principal = await self._keys.principal(request.headers.get("authorization"))
            operation = self._operations.prepare(await _read(request))
            _allow_method(request.method, operation)
            if operation.kind is OperationType.SUBSCRIPTION:
                return self._stream(request, principal, operation, _stream_format(request))
            answer, context = await self._operations.execute(
                operation, principal, request.headers.get("klantreis-after")
            )
        except Refused as refused:
            return _respond({"errors": refused.errors}, media_type)
        except Problem as problem:
            return _refuse(problem, media_type)
        return _respond(answer, media_type, _position(context))

    async def respond_with_events(self, request: Request) -> Response:
        """GraphQL over Server-Sent Events, one connection for each operation."""
        try:
            principal = await self._keys.principal(request.headers.get("authorization"))
            asked = await _read(request)
        except Problem as problem:
            return _refuse(problem, _JSON)
        try:
            operation = self._operations.prepare(asked)
        except Refused as refused:  # the protocol wants to hear of it as an event
            return EventStream().of_one({"errors": refused.errors})
        except Problem as problem:
            return EventStream().of_one(_refusal(problem))
        if operation.kind is OperationType.SUBSCRIPTION:
            return self._stream(request, principal, operation, EventStream())
        answer, context = await self._operations.execute(operation, principal, request.headers.get("klantreis-after"))
        return EventStream().of_one(answer, _position(context))

    def _stream(self, request: Request, principal: Principal, operation: Operation, format: Format) -> Response:
        session = Session(self._keys, request.headers.get("authorization"), principal, self._streaming.key_look_seconds)
        answers = self._operations.subscribe(operation, session)
        return streamed(answers, session, format, self._streaming.sign_of_life_seconds)

    def _graphiql(self) -> Response:
        if not self._explorer:
            return _refuse(NotFound("GraphiQL is there in development only."), _JSON)
        return HTMLResponse(get_graphql_ide_html("graphiql"))


def _position(context: Context) -> dict[str, str]:
    return {"Klantreis-Position": context.recorded} if context.recorded else {}


def _stream_format(request: Request) -> Format:
    accept = request.headers.get("accept", "")
    if Multipart.is_accepted(accept):
        return Multipart()
    if EventStream.is_accepted(accept):
        return EventStream()
    raise NotAcceptable(
        "A subscription is answered as a stream: over WebSocket (graphql-transport-ws) at this address, by Server-Sent "
        "Events at /graphql/stream, or with `Accept: multipart/mixed;subscriptionSpec=1.0`."
    )


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
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BODY_LIMIT:
                raise TooLarge(f"A request may have at most {_BODY_LIMIT:,} bytes.")
    except ClientDisconnect as error:
        raise BadRequest("The client left before its request was complete.") from error
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


def _allow_method(method: str, operation: Operation) -> None:
    if method == "GET" and operation.kind is not OperationType.QUERY:
        raise MethodNotAllowed("Only queries may be sent by GET; use POST.")


def _respond(answer: dict[str, Any], media_type: str, headers: dict[str, str] | None = None) -> Response:
    """200, unless nothing was executed and the client knows the media type in which that is a 400."""
    status = 400 if "data" not in answer and media_type == _GRAPHQL_JSON else 200
    return Response(msgspec.json.encode(answer), status, headers, media_type)


def _refuse(problem: Problem, media_type: str) -> Response:
    """A refusal before anything was executed: a GraphQL error, plus the members that plain HTTP clients look for."""
    answer = _refusal(problem) | {"code": problem.code, "message": problem.message}
    headers = problem.headers()
    if isinstance(problem, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(answer), problem.status, headers, media_type)


def _refusal(problem: Problem) -> dict[str, Any]:
    return {"errors": traced([{"message": problem.message, "extensions": {"code": problem.code}}])}
