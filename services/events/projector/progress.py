"""How far reality is processed, and waiting until a position is."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.intake.position import START, Place
from services.events.intake.store import LogStore
from services.events.projector import dirty
from services.events.tables import cursors

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


class Progress:
    def __init__(self, log: LogStore, state: Database) -> None:
        self._log = log
        self._state = state

    async def status(self, workspace: str) -> Status:
        async with self._state.read() as connection:
            cursor, slots = await self._cursor(connection, workspace)
            waiting = await dirty.first(connection, workspace)
            rebuilding = await dirty.any_at_models(connection, workspace)
        behind, oldest, last = await self._log.logged_slots(workspace, cursor)
        if waiting is None:
            return Status(last or cursor, slots + behind, behind, oldest, rebuilding)
        # What lies at or behind the first mark is not wholly visible, although the first stage is past it.
        before = Place(waiting.xid, waiting.seq - 1)
        lag, oldest, _last = await self._log.logged_slots(workspace, before)
        return Status(last or cursor, slots + behind, lag, oldest, rebuilding)

    async def reached(self, workspace: str, place: Place) -> bool:
        """Whether everything up to a place is visible."""
        async with self._state.read() as connection:
            cursor, _slots = await self._cursor(connection, workspace)
            return cursor >= place and not await dirty.any_until(connection, workspace, place)

    async def wait(self, workspace: str, place: Place) -> bool:
        """Waits until a place is reached, at most two seconds; whether it was."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_LOOK_SECONDS
        while not await self.reached(workspace, place):
            if time.monotonic() + pause > deadline:
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LATER_LOOKS_SECONDS)
        return True

    async def _cursor(self, connection: AsyncConnection, workspace: str) -> tuple[Place, int]:
        query = select(cursors.c.xid, cursors.c.seq, cursors.c.slots).where(cursors.c.workspace == workspace)
        row = (await connection.execute(query)).first()
        return (Place(row.xid, row.seq), row.slots) if row else (START, 0)
