"""How far reality is processed, and waiting until a position is."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis import request_ids
from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from services.events.intake.position import START, Place
from services.events.intake.store import LogStore
from services.events.models import builds
from services.events.models.builds import Rebuild
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.projector import dirty
from services.events.tables import cursors, stuck
from services.events.timeline.reader import parse_event_id

_PATIENCE_SECONDS = 2.0
_STUCK = b"s"
_DIGEST_BYTES = 16
_EVENT = struct.Struct(">qi")
_FIRST_LOOK_SECONDS, _LATER_LOOKS_SECONDS = 0.005, 0.025


class Status(NamedTuple):
    position: Place
    """The end of the log."""
    logged: int
    """How many entries were ever logged: events, refused events and published models."""
    lag: int
    """How many of them are not visible yet. Of a version that rebuilds say all the rest, see `rebuilds`."""
    oldest_logged_at: int | None
    """When the oldest of those was logged, in microseconds; None without lag."""
    rebuilds: list[Rebuild]
    """Of the journeys whose histories are being folded for a version that was published."""
    stuck: int
    """How many customers have events that cannot be folded."""

    @property
    def rebuilding(self) -> bool:
        return bool(self.rebuilds)


class Stuck(NamedTuple):
    """An event that is left out of what its customer's history means, because it cannot be folded."""

    customer: bytes
    event: str
    """Its id; empty when no single event could be named, and the whole customer waits."""
    error: str
    since: int


class _Sight(NamedTuple):
    """What can be seen: up to where the first stage has read, but for what is not wholly folded."""

    read: Place
    hidden_since: Place | None
    hidden: frozenset[int]
    """Rows of the log."""

    def reaches(self, place: Place) -> bool:
        visible = self.hidden_since is None or self.hidden_since > place
        return self.read >= place and visible and place.seq not in self.hidden


class Progress:
    def __init__(self, log: LogStore, state: Database) -> None:
        self._log = log
        self._state = state
        self._waiting: dict[str, list[tuple[Place, asyncio.Future[None]]]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def status(self, workspace: str) -> Status:
        async with self._state.read() as connection:
            cursor, slots = await self._cursor(connection, workspace)
            waiting = await dirty.first(connection, workspace)
            rebuilds = await builds.rebuilds(connection, workspace)
            count = select(func.count(stuck.c.customer.distinct())).where(stuck.c.workspace == workspace)
            held_up = await connection.scalar(count) or 0
        behind, oldest, last = await self._log.logged_slots(workspace, cursor)
        if waiting is None:
            return Status(last or cursor, slots + behind, behind, oldest, rebuilds, held_up)
        # What lies at or behind the first mark is not wholly visible, although the first stage is past it.
        before = Place(waiting.xid, waiting.seq - 1)
        lag, oldest, _last = await self._log.logged_slots(workspace, before)
        return Status(last or cursor, slots + behind, lag, oldest, rebuilds, held_up)

    async def stuck_events(self, workspace: str, first: int, after: str | None) -> Page[Stuck]:
        """Events that cannot be folded, customer by customer. Raises BadRequest (BAD_CURSOR)."""
        order = (stuck.c.customer, stuck.c.event)
        query = select(*order, stuck.c.error, stuck.c.since).where(stuck.c.workspace == workspace)
        if after is not None:
            place = read_cursor(_STUCK, after, (_DIGEST_BYTES, _DIGEST_BYTES + _EVENT.size))
            event = "{}-{}".format(*_EVENT.unpack(place[_DIGEST_BYTES:])) if len(place) > _DIGEST_BYTES else ""
            query = query.where(tuple_(*order) > (place[:_DIGEST_BYTES], event))
        async with self._state.read() as connection:
            rows = [Stuck(*row) for row in await connection.execute(query.order_by(*order).limit(first + 1))]
        return page_of(rows, [_cursor_of(row) for row in rows], first, after)

    async def visible_until(self, workspace: str) -> Place:
        """The place up to which all events are visible."""
        async with self._state.read() as connection:
            cursor, _slots = await self._cursor(connection, workspace)
            mark = await dirty.first(connection, workspace)
        return cursor if mark is None else min(cursor, Place(mark.xid, mark.seq - 1))

    async def reached(self, workspace: str, place: Place) -> bool:
        """Whether everything up to a place is visible; a version is when all histories it concerns are folded."""
        return (await self._sight(workspace)).reaches(place)

    async def wait(self, workspace: str, place: Place) -> bool:
        """Waits until a place is reached, at most two seconds; whether it was."""
        if await self.reached(workspace, place):
            return True
        reached = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, []).append((place, reached))
        if workspace not in self._watching:
            watch, name = self._watch(workspace), f"progress of {workspace}"
            self._watching[workspace] = asyncio.create_task(watch, name=name, context=request_ids.outliving())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await reached
        except TimeoutError:
            return False
        return True

    async def _watch(self, workspace: str) -> None:
        """Looks on behalf of all that wait, so that they do not ask the database one by one."""
        pause = _FIRST_LOOK_SECONDS
        try:
            while waiting := [item for item in self._waiting.pop(workspace, []) if not item[1].done()]:
                self._waiting[workspace] = waiting
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LATER_LOOKS_SECONDS)
                with contextlib.suppress(Unavailable):
                    sight = await self._sight(workspace)
                    for place, reached in waiting:
                        if sight.reaches(place) and not reached.done():
                            reached.set_result(None)
        finally:
            del self._watching[workspace]

    async def _sight(self, workspace: str) -> _Sight:
        async with self._state.read() as connection:
            cursor, _slots = await self._cursor(connection, workspace)
            mark = await dirty.first(connection, workspace)
            since, rows = await builds.hidden(connection, workspace)
        return _Sight(cursor, min((place for place in (mark, since) if place is not None), default=None), rows)

    async def _cursor(self, connection: AsyncConnection, workspace: str) -> tuple[Place, int]:
        query = select(cursors.c.xid, cursors.c.seq, cursors.c.slots).where(cursors.c.workspace == workspace)
        row = (await connection.execute(query)).first()
        return (Place(row.xid, row.seq), row.slots) if row else (START, 0)


def _cursor_of(row: Stuck) -> str:
    place = parse_event_id(row.event)
    return write_cursor(_STUCK, row.customer + (_EVENT.pack(*place) if place else b""))
