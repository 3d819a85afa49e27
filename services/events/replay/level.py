"""Bringing a state to one end of the log and one moment, no further and with nothing left to do.

A replay folds in a draft whatever it finds, and publishes nothing. What it folds beyond the state in use would never be
published, what it does not fold would be published again. So before the switch both are brought to the same place.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.intake.position import START, Place
from services.events.intake.store import MOST_BYTES, LogRow, LogStore
from services.events.models.queries import Models
from services.events.projector.fold import STEP_ERRORS, Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases, database_now, lease_names
from services.events.projector.slow import SlowLane
from services.events.projector.withdrawing import Withdrawing
from services.events.tables import cursors, leases, projectors
from services.events.timeline.domain import Microseconds
from services.events.timeline.reader import EntryReader

_LEASE_MICROSECONDS = 10_000_000  # no projector is held up for longer, whatever becomes of the replay
_PAUSE_SECONDS = 0.05
_FAILURES_IN_A_ROW = 8
"""So many steps fail until a customer that the database refuses is alone and set aside, see Lanes.smaller."""

Ends = Mapping[str, Place]
"""By workspace, up to where its log is read."""


async def places(state: Database) -> dict[str, Place]:
    """By workspace, up to where its log has been read. Nothing was ever published of the others."""
    async with state.read() as connection:
        rows = await connection.execute(select(cursors.c.workspace, cursors.c.xid, cursors.c.seq))
        return {row.workspace: Place(row.xid, row.seq) for row in rows}


class _EndingLog(LogStore):
    """Ends where it is told to, for whoever reads on in it."""

    ends: Ends

    async def read_after(self, workspace: str, place: Place, slots: int, most_bytes: int = MOST_BYTES) -> list[LogRow]:
        end = self.ends.get(workspace, START)
        return [row for row in await super().read_after(workspace, place, slots, most_bytes) if row.place <= end]


class Leveller:
    """Those stages and lanes of a projector that publish, over one state."""

    def __init__(self, log: Database, state: Database) -> None:
        self._log = _EndingLog(log)
        self._state = state
        self._now: Microseconds = 0
        self._owner = f"replay-{secrets.token_hex(4)}"
        self._leases = Leases(state, self._owner, self._clock, exclusive=state.is_sqlite)
        reader = EntryReader(self._log)
        lanes = Lanes(self._log, state, reader, Models(state), self._leases, self._clock)
        self._steps = (Identify(self._log, state, reader, self._leases).step, Fold(lanes).step, Withdrawing(lanes).step)
        self._slow = SlowLane(lanes)

    def _clock(self) -> Microseconds:
        return self._now

    async def hold(self) -> None:
        """From here on no step of a projector commits: its leases belong to somebody else.

        But for those that only delete what is not read any more: rows of retired builds and old changes.
        """
        names = lease_names(await self._log.workspaces())
        await self._leases.renew(names)
        if self._state.is_sqlite:
            return  # nobody else is there
        async with self._state.write() as connection:
            beat = update(projectors).where(projectors.c.owner == self._owner)
            await connection.execute(beat.values(expires_at=database_now() + _LEASE_MICROSECONDS))
            taken = update(leases).values(owner=self._owner, epoch=leases.c.epoch + 1)
            rows = await connection.execute(taken.returning(leases.c.name, leases.c.epoch))
            self._leases.held = {row.name: row.epoch for row in rows}

    async def let_go(self) -> None:
        """Projectors go on at once."""
        await self._leases.release()

    async def holds(self, connection: AsyncConnection) -> bool:
        """Whether nobody has helped himself in the meantime."""
        others = select(leases.c.name).where(leases.c.owner != self._owner)
        return (await connection.execute(others.limit(1))).first() is None

    async def reach(self, ends: Ends, now: Microseconds, is_late: Callable[[], bool]) -> bool:
        """Whether everything up to these places, and silence up to this moment, is told and published in time.

        Hold the leases. Raises LeaseLost, and whatever the database refuses again and again.
        """
        self._log.ends, self._now = ends, now
        failures = 0
        while True:
            try:
                done = sum([await step(workspace) for workspace in ends for step in self._steps])
                if not done + await self._slow.step():
                    if await self._has_read(ends):
                        return True
                    await asyncio.sleep(_PAUSE_SECONDS)  # some transaction holds back the end of the log
                failures = 0
            except STEP_ERRORS:
                failures += 1
                if failures == _FAILURES_IN_A_ROW:
                    raise
            if is_late():
                return False

    async def _has_read(self, ends: Ends) -> bool:
        read = await places(self._state)
        return all(read.get(workspace, START) >= end for workspace, end in ends.items())
