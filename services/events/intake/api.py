"""The routes of the front door. Plain Starlette: a body model would cost more than all the rest together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Raw
from starlette.requests import Request
from starlette.responses import Response

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import BadRequest, Unauthenticated
from infra.chassis.http import JSONResponse
from services.events.access import access_with
from services.events.control.domain import Principal
from services.events.intake.bodies import BAD_BODY, MALFORMED_JSON, check_count, open_batch, open_call
from services.events.intake.callers import caller_of, check_origin
from services.events.intake.cloudevents_modes import open_cloud_events, subject_type_of
from services.events.intake.domain.event import KINDS
from services.events.intake.domain.objects import UNDECODABLE
from services.events.intake.entrance import POSITION_HEADER, Endpoint, Entrance
from services.events.intake.handlers import Intake, Logged, beside, message_id_of
from services.events.intake.judging import Judged
from services.events.intake.library_settings import LibrarySettings
from services.events.intake.metrics import count_logged
from services.events.intake.requests import inflated, parameter, read_sent
from services.events.intake.slots import Refused

_MANY = 20
_BATCHES = ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")


def entrances(intake: Intake, tokens: ServiceTokens, settings: LibrarySettings) -> Callable[[str], Entrance | None]:
    """What stands at a path: the routes of Segment's and RudderStack's clients, of CloudEvents and of history, and
    `/internal/events` for our own services.
    """
    found = {f"/v1/{name}": Entrance("POST", _segment(intake, kind)) for kind in KINDS for name in (kind, kind[0])}
    found |= {path: Entrance("POST", _segment(intake, None)) for path in _BATCHES}
    found["/v1/events"] = Entrance("POST", _cloud_events(intake))
    found["/v1/m"] = Entrance("POST", _metrics)
    found["/v1/history"] = Entrance("POST", _history(intake), for_pages=False)
    found["/sourceConfig"] = settings.of_rudderstack
    found["/internal/events"] = Entrance("POST", _internal(intake, tokens), for_pages=False)
    by_path = {path + slash: entrance for path, entrance in found.items() for slash in ("", "/")}

    def entrance_at(path: str) -> Entrance | None:
        return by_path.get(path) or settings.entrance_at(path)

    return entrance_at


def _segment(intake: Intake, kind: str | None) -> Endpoint:
    """One call of a kind, or a batch of calls that name their own."""

    async def record(request: Request) -> Response:
        caller, body = await _received(request, intake)
        opened = await (open_batch(body) if kind is None else open_call(body))
        if caller is None:
            if opened.write_key is None:
                raise Unauthenticated("Give the write key in `Authorization`, or as `writeKey` in the body.")
            caller = await intake.keys.resolve(opened.write_key)
        check_origin(caller, request)
        if opened.sent_at is None:
            opened = opened._replace(sent_at=request.headers.get("SentAt"))
        logged = await intake.record_calls(caller, opened, kind, len(body))
        return await _acknowledge(logged)

    return record


def _cloud_events(intake: Intake) -> Endpoint:
    """CloudEvents: one, in headers and body or in the body alone, or a list of them."""

    async def record(request: Request) -> Response:
        how_to_say = "Give a key in `Authorization`, or a write key as `?writeKey=` in the address."
        caller, body = await _received_of_known(request, intake, how_to_say)
        opened = await open_cloud_events(request, body)
        logged = await intake.record_cloud_events(caller, opened, subject_type_of(request), len(body))
        return await _acknowledge(logged)

    return record


def _history(intake: Intake) -> Endpoint:
    """A batch of what happened before: calls and `EventInput`s."""

    async def record(request: Request) -> Response:
        caller, body = await _received_of_known(request, intake, "Give a secret key as `Authorization: Bearer key`.")
        opened = await open_batch(body)
        if opened.context:
            raise BadRequest("Each item of history has its own `context`.", code=BAD_BODY)
        source = parameter(request.query_params, "source")
        logged = await intake.import_history(caller, source, opened, len(body))
        return await _acknowledge(logged)

    return record


async def _received(request: Request, intake: Intake) -> tuple[Principal | None, bytes]:
    """Whose key stands in the header or the address, if one does, and the body."""
    sent = await read_sent(request)
    caller = await caller_of(request, intake.keys)  # before a stranger's body is made anything of
    return caller, inflated(request, sent)


async def _received_of_known(request: Request, intake: Intake, how_to_say: str) -> tuple[Principal, bytes]:
    """Whoever sends, and the body. Raises Unauthenticated, which tells how to say who one is, and Forbidden."""
    caller, body = await _received(request, intake)
    if caller is None:
        raise Unauthenticated(how_to_say)
    check_origin(caller, request)
    return caller, body


async def _acknowledge(logged: Logged) -> Response:
    """Success, and which events were rejected all the same."""
    rejected = [(index, slot) for index, slot in enumerate(logged.slots) if type(slot) is Refused]
    count_logged(len(logged.slots), [slot for _index, slot in rejected])
    results = await beside(len(rejected) > _MANY, lambda: [_result(*item) for item in rejected])
    return _answer({"success": True}, logged, results)


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
            given = _inputs.decode(inflated(request, await read_sent(request)))
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
        rejected = [slot for slot in logged.slots if type(slot) is Refused]
        count_logged(len(logged.slots), rejected)
        counts = {"accepted": len(logged.slots) - len(rejected), "rejected": len(rejected)}
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
