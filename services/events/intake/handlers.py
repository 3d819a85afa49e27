"""Recording what a request brings: every event judged on its own, all of them in the log, one answer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple, ParamSpec, TypeVar
from uuid import uuid4

from infra.chassis.clock import Clock
from infra.chassis.errors import Forbidden
from services.events.control.domain import EVENTS_WRITE, KeyKind, Principal
from services.events.control.keyring import KeyRing
from services.events.identity.domain import Identifier
from services.events.intake.bodies import Opened
from services.events.intake.cloudevents import message_id_in
from services.events.intake.domain.context import flaw_of_shared
from services.events.intake.domain.event import Receipt
from services.events.intake.domain.moments import read_moment
from services.events.intake.domain.values import Refusal, decode_leniently, find_flaw
from services.events.intake.history import as_history
from services.events.intake.judging import Judged, judge
from services.events.intake.position import Place
from services.events.intake.slots import CALL, CLOUD_EVENT, HISTORY, INPUT, Recorded
from services.events.intake.writer import LogWriter

_P = ParamSpec("_P")
_T = TypeVar("_T")
_MANY_BYTES = 128 * 1024
"""From here on a body may be made of user agents that take a tenth of a second to read."""
_MANY_ODD_BYTES = 64 * 1024
Projected = Callable[[str, Place], Awaitable[bool]]
"""Waits a while until a place of a workspace is projected; whether it is."""


class Logged(NamedTuple):
    place: Place | None
    """None if nothing was logged."""
    slots: list[Judged]
    """One for each event, in their order."""


class Intake:
    """The front door."""

    def __init__(self, keys: KeyRing, writer: LogWriter, clock: Clock, projected: Projected) -> None:
        self.keys = keys
        self._writer = writer
        self._clock = clock
        self._projected = projected

    async def record_calls(self, principal: Principal, opened: Opened, kind: str | None, size: int) -> Logged:
        """Records Segment calls. `kind` is that of the route, None in a batch; `size` that of the body in bytes.

        Raises Forbidden, for a paused source too, and Unavailable if they cannot be made durable now.
        """
        receipt = replace(
            self._receipt(principal),
            plain=opened.plain,
            kind=kind,
            sent_at=_readable_moment(opened.sent_at),
            shared_context=opened.context,
            shared_flaw=flaw_of_shared(opened.context),
        )
        slow = size > (_MANY_BYTES if opened.plain else _MANY_ODD_BYTES)
        slots = await beside(slow, judge, opened.events, receipt, CALL)
        size += len(opened.context) * len(opened.events)
        return Logged(await self._log(principal, slots, size), slots)

    async def record_cloud_events(
        self, principal: Principal, opened: Opened, subject_type: str | None, size: int
    ) -> Logged:
        """Records CloudEvents; with `subject_type` their subjects are identifiers of that type.

        Raises as `record_calls` does.
        """
        receipt = replace(self._receipt(principal), plain=opened.plain, subject_type=subject_type)
        slots = await beside(size > _MANY_ODD_BYTES, judge, opened.events, receipt, CLOUD_EVENT)
        return Logged(await self._log(principal, slots, size), slots)

    async def record_inputs(
        self,
        workspace: str,
        source: str,
        events: list[bytes],
        *,
        verified: bool,
        customer: Identifier | None,
        wait: bool,
    ) -> Logged:
        """Records `EventInput`s that another service of ours has let in; with `wait` it waits until they are projected.

        With `customer` the sender speaks for nobody else: each event names them, and what it says of others is a claim.
        Raises NotFound for an unknown source, Forbidden for a paused one, and Unavailable if they cannot be made
        durable now.
        """
        principal = await self.keys.on_behalf_of(workspace, source, verified=verified)
        receipt = replace(self._receipt(principal), customer=customer)
        slots = judge(events, receipt, INPUT)
        place = await self._log(principal, slots, sum(map(len, events)))
        if wait and place is not None:
            await self._projected(workspace, place)
        return Logged(place, slots)

    async def import_history(self, principal: Principal, source: str | None, opened: Opened, size: int) -> Logged:
        """Records history of a source, the key's own unless told. Nobody is told what follows from it.

        Raises Forbidden for a write key, and otherwise as `record_calls` does; NotFound for an unknown source.
        """
        if principal.kind is not KeyKind.SECRET:
            raise Forbidden("History is loaded with a secret key.")
        receipt = self._receipt(principal)
        if source is not None and source != principal.source:
            principal = await self.keys.on_behalf_of(principal.workspace, source, verified=True)
            receipt = self._receipt(principal)
        receipt = as_history(replace(receipt, plain=opened.plain))
        slots = await beside(size > _MANY_ODD_BYTES, judge, opened.events, receipt, HISTORY)
        if not slots:
            return Logged(None, slots)
        return Logged(await self._writer.submit(principal.workspace, slots, size, imported=True), slots)

    def _receipt(self, principal: Principal) -> Receipt:
        if EVENTS_WRITE not in principal.scopes:
            raise Forbidden(f"This key may not record events: it lacks the scope {EVENTS_WRITE}.")
        if principal.paused:
            raise Forbidden(f"The source {principal.source!r} is paused: nothing is taken.", code="SOURCE_PAUSED")
        channel = principal.default_channel
        return Receipt(principal.source, principal.verified, channel, self._clock(), _new_id)

    async def _log(self, principal: Principal, slots: list[Judged], size: int) -> Place | None:
        return await self._writer.submit(principal.workspace, slots, size) if slots else None


def message_id_of(slot: Judged) -> str | None:
    """The message id of an event, also of a refused one if it can be read."""
    if isinstance(slot, Recorded):
        return slot.message_id
    try:
        event, _end = decode_leniently(slot.body.decode(errors="replace").lstrip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    message_id = message_id_in(event) if "specversion" in event else event.get("messageId")
    return message_id if isinstance(message_id, str) and find_flaw(message_id) is None else None


async def beside(slow: bool, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What may be slow, because a sender made it so, is done in a thread: others are answered meanwhile."""
    return await asyncio.to_thread(work, *args, **kwargs) if slow else work(*args, **kwargs)


def _readable_moment(sent_at: object) -> int | None:
    """When a batch was sent. If nobody can tell, its events are not corrected, rather than all refused."""
    try:
        return read_moment(sent_at, ("sentAt",))
    except Refusal:
        return None


def _new_id() -> str:
    return str(uuid4())
