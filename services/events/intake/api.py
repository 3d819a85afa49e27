"""The routes of the front door. Plain Starlette: a body model would cost more than all the rest together."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import BadRequest, Problem, Unauthenticated
from infra.chassis.http import JSONResponse, problem_response
from services.events.access import access_with
from services.events.intake.bodies import BAD_BODY, MALFORMED_JSON, check_count, open_batch, open_call
from services.events.intake.domain.event import KINDS
from services.events.intake.domain.objects import UNDECODABLE
from services.events.intake.handlers import Intake, Judged, Logged, beside, message_id_of
from services.events.intake.requests import presented_key, read_body
from services.events.intake.slots import Refused

Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)
POSITION_HEADER = "Klantreis-Position"
_MANY = 20


def endpoints(intake: Intake, tokens: ServiceTokens) -> Mapping[str, Endpoint]:
    """The Segment routes for clients by path, and `/internal/events` for our own services."""
    found = {f"/v1/{kind}": _segment(intake, kind) for kind in KINDS}
    found |= {"/v1/batch": _segment(intake, None), "/v1/import": _segment(intake, None), "/v1/m": _metrics}
    found["/internal/events"] = _internal(intake, tokens)
    return {path + slash: endpoint for path, endpoint in found.items() for slash in ("", "/")}


class FrontDoor:
    """Answers the paths of intake itself, before the app around it, and never redirects.

    Looking up a path in a dictionary instead of walking through middleware and route patterns saves a tenth of what
    an event costs in a batch of a hundred.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowed("Events are sent by POST.")
            response = await endpoint(Request(scope, receive))
        except Problem as problem:
            response = problem_response(problem)
        except Exception:
            _log.exception("unexpected failure", extra={"path": scope["path"]})
            response = problem_response(Problem("Something went wrong on our side; it has been logged."))
        await response(scope, receive, send)


class MethodNotAllowed(Problem):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"

    def headers(self) -> dict[str, str]:
        return {"Allow": "POST"}


def _segment(intake: Intake, kind: str | None) -> Endpoint:
    """One call of a kind, or a batch of calls that name their own."""

    async def record(request: Request) -> Response:
        body = await read_body(request)
        key = presented_key(request)
        principal = None if key is None else await intake.keys.resolve(key)
        opened = await (open_batch(body) if kind is None else open_call(body))
        if principal is None:
            if opened.write_key is None:
                raise Unauthenticated("Give the write key in `Authorization`, or as `writeKey` in the body.")
            principal = await intake.keys.resolve(opened.write_key)
        logged = await intake.record_calls(principal, opened, kind, len(body))
        rejected = [item for item in enumerate(logged.slots) if type(item[1]) is Refused]
        results = await beside(len(rejected) > _MANY, lambda: [_result(*item) for item in rejected])
        return _answer({"success": True}, logged, results)

    return record


async def _metrics(_request: Request) -> Response:
    """What SDKs report about themselves is of no use here, but they want to hear that it arrived."""
    return _answer({"success": True}, Logged(None, []), [])


class _Named(msgspec.Struct):
    type: str
    value: str


class _Inputs(msgspec.Struct):
    source: str
    trust: Literal["VERIFIED", "CLAIMED"]
    events: list[Raw]
    customer: _Named | None = None
    wait: bool = False


_inputs = msgspec.json.Decoder(_Inputs)


def _internal(intake: Intake, tokens: ServiceTokens) -> Endpoint:
    """`EventInput`s that the gateway has let in."""
    access = access_with(tokens)

    async def record(request: Request) -> Response:
        spoken_for = await access.workspace_of(request)
        try:
            given = _inputs.decode(await read_body(request))
        except UNDECODABLE as error:
            code = BAD_BODY if isinstance(error, msgspec.ValidationError) else MALFORMED_JSON
            raise BadRequest(f"This is not a request to record events: {error}.", code=code) from error
        check_count(len(given.events))
        events = [bytes(event) for event in given.events]
        verified = given.trust == "VERIFIED"
        customer = None if given.customer is None else (given.customer.type, given.customer.value)
        logged = await intake.record_inputs(
            spoken_for, given.source, events, verified=verified, customer=customer, wait=given.wait
        )
        rejected = sum(type(slot) is Refused for slot in logged.slots)
        counts = {"accepted": len(logged.slots) - rejected, "rejected": rejected}
        return _answer(counts, logged, [_result(*item) for item in enumerate(logged.slots)])

    return record


def _answer(head: dict[str, Any], logged: Logged, results: list[dict[str, Any]]) -> Response:
    position = logged.place.token() if logged.place else None
    headers = {POSITION_HEADER: position} if position else None
    return JSONResponse(head | {"position": position, "results": results}, headers=headers)


def _result(index: int, slot: Judged) -> dict[str, Any]:
    head = {"index": index, "messageId": message_id_of(slot)}
    if isinstance(slot, Refused):
        return head | {"status": "REJECTED", "code": slot.code, "message": slot.message, "path": slot.path}
    return head | {"status": "ACCEPTED", "code": None, "message": None, "path": ()}
