"""How far reality is processed, and waiting until a position is."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from services.events.intake.position import START, Place
from services.events.intake.store import LogStore
from services.events.projector import dirty
from services.events.tables import cursors, stuck

_PATIENCE_SECONDS = 2.0
_FIRST_LOOK_SECONDS, _LATER_LOOKS_SECONDS = 0.005, 0.025


class Status(NamedTuple):
    position: Place
    """The end of the log."""
    logged: int
    """How many entries were ever logged: events, refused events and published models."""
    lag: int
    """How many of them are not visible yet."""
    oldest_logged_at: int | None
    """When the oldest of those was logged, in microseconds; None without lag."""
    rebuilding: bool
    """Whether histories are being folded again for a version that was published."""
    stuck: int
    """How many customers cannot be folded; see projector.fold."""


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
            rebuilding = await dirty.any_at_models(connection, workspace)
            count = select(func.count()).select_from(stuck).where(stuck.c.workspace == workspace)
            held_up = await connection.scalar(count) or 0
        behind, oldest, last = await self._log.logged_slots(workspace, cursor)
        if waiting is None:
            return Status(last or cursor, slots + behind, behind, oldest, rebuilding, held_up)
        # What lies at or behind the first mark is not wholly visible, although the first stage is past it.
        before = Place(waiting.xid, waiting.seq - 1)
        lag, oldest, _last = await self._log.logged_slots(workspace, before)
        return Status(last or cursor, slots + behind, lag, oldest, rebuilding, held_up)

    async def reached(self, workspace: str, place: Place) -> bool:
        """Whether everything up to a place is visible."""
        async with self._state.read() as connection:
            cursor, _slots = await self._cursor(connection, workspace)
            return cursor >= place and not await dirty.any_until(connection, workspace, place)

    async def wait(self, workspace: str, place: Place) -> bool:
        """Waits until a place is reached, at most two seconds; whether it was."""
        if await self.reached(workspace, place):
            return True
        reached = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, []).append((place, reached))
        if workspace not in self._watching:
            self._watching[workspace] = asyncio.create_task(self._watch(workspace), name=f"progress of {workspace}")
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
                    async with self._state.read() as connection:
                        cursor, _slots = await self._cursor(connection, workspace)
                        first = await dirty.first(connection, workspace)
                    for place, reached in waiting:
                        if cursor >= place and (first is None or first > place) and not reached.done():
                            reached.set_result(None)
        finally:
            del self._watching[workspace]

    async def _cursor(self, connection: AsyncConnection, workspace: str) -> tuple[Place, int]:
        query = select(cursors.c.xid, cursors.c.seq, cursors.c.slots).where(cursors.c.workspace == workspace)
        row = (await connection.execute(query)).first()
        return (Place(row.xid, row.seq), row.slots) if row else (START, 0)
