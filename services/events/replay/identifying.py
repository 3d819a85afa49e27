"""The first stage of a replay: the log of one workspace, read once from its beginning to its end.

As the projector's first stage, but nobody is marked: every customer will be folded, once, when all is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.intake.position import START
from services.events.intake.store import LogRow, LogStore
from services.events.models import builds
from services.events.projector import cursor
from services.events.projector.setting_aside import is_about_entries, portions, tell
from services.events.projector.taking_in import Batch, TakenIn, TakingIn
from services.events.replay.aside import Aside, Owners
from services.events.replay.watching import Stage, Watch
from services.events.tables import build_progress
from services.events.tables import builds as builds_table
from services.events.timeline.reader import EntryReader, Spot

_STEP_SLOTS = 20_000


class Identified(NamedTuple):
    batches: int
    """How many are put aside, from 0 on."""
    events: int
    """How many different ones there are."""


async def identify(
    log: LogStore, state: Database, aside: Aside, workspace: str, slots: int, watch: Watch
) -> Identified:
    """Takes in all that can be read; `slots` are expected."""
    reading = _Reading(log, state, aside, workspace)
    rows = await log.read_after(workspace, START, _STEP_SLOTS)
    while rows:  # the next ones are read while the database is busy with these
        rows, _ = await asyncio.gather(log.read_after(workspace, rows[-1].place, _STEP_SLOTS), reading.take(rows))
        watch(Stage.IDENTIFYING, reading.slots, max(slots, reading.slots))
    async with state.write() as connection:
        await _finish_builds(connection, workspace)
    return Identified(reading.batches, reading.events)


class _Reading:
    """How far the log of one workspace is read."""

    def __init__(self, log: LogStore, state: Database, aside: Aside, workspace: str) -> None:
        self._reader = EntryReader(log)
        self._taking_in = TakingIn(log, self._reader)
        self._state = state
        self._aside = aside
        self._workspace = workspace
        self.batches = self.events = self.slots = 0

    async def take(self, rows: Sequence[LogRow]) -> None:
        """Takes in the next rows, as one batch, or as small ones if there is something that must be set aside."""
        try:
            await self._take(rows)
        except Exception as error:
            if not is_about_entries(error):
                raise
        else:
            return
        for some in portions(rows):
            await self._take(some, is_careful=True)

    async def _take(self, rows: Sequence[LogRow], *, is_careful: bool = False) -> None:
        batch, unfit = Batch(), dict[Spot, str]()
        async with self._state.write() as connection:
            if is_careful:
                unfit = await self._taking_in.find_unfit(connection, self._workspace, rows)
            for row in rows:
                batch.add(row, self._reader.keep(self._workspace, row.place.seq, row.slots), unfit)
            taken = await self._taking_in.take(connection, self._workspace, batch)
            slots = self.slots + batch.slots
            await cursor.move(connection, self._state, self._workspace, rows[-1].place, slots)
        self.slots = slots
        tell(self._workspace, batch.rejected, batch.left_out, unfit)
        await self._aside.keep_owners(self.batches, _owners(rows, taken))
        self.batches += 1
        self.events += len(taken.fresh)


def _owners(rows: Sequence[LogRow], taken: TakenIn) -> dict[int, Owners]:
    owners: dict[int, Owners] = {row.place.seq: [None] * len(row.slots) for row in rows}
    for entry, (profile, _customer) in zip(taken.fresh, taken.owners, strict=True):
        owners[entry.seq][entry.slot] = profile
    return owners


async def _finish_builds(connection: AsyncConnection, workspace: str) -> None:
    """Of each journey the build that was asked for last is the live one, and there is no other.

    All customers will be folded under it, so nothing of it is left to do.
    """
    last = {build.journey: build.number for build in await builds.active(connection, workspace)}  # by number
    for table in (builds_table, build_progress):
        others = table.c.workspace == workspace, table.c.build.not_in(last.values())
        await connection.execute(delete(table).where(*others))
    done = update(build_progress).where(build_progress.c.workspace == workspace)
    await connection.execute(done.values(done=True))
    live = update(builds_table).where(builds_table.c.workspace == workspace)
    await connection.execute(live.values(state=builds.LIVE))
