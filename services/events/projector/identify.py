"""The first stage: from the log to identities, timelines and marks of what must be folded.

One owner per workspace reads the log in order. A step is one transaction that also moves the cursor, so each entry is
applied exactly once: duplicates are recognised, identifiers and links resolved, each event put into the timeline of its
strongest identifier, and every customer whose history changed is marked dirty at the entry's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.intake.position import Place
from services.events.intake.slots import Published, PublishedPersona, Recorded
from services.events.intake.store import LogRow, LogStore
from services.events.personas import store as personas
from services.events.projector import cursor, dirty
from services.events.projector.dirty import Cause, Change
from services.events.projector.leases import Leases, identify_lease
from services.events.projector.metrics import FAILURES
from services.events.projector.setting_aside import FEW_SLOTS, is_about_entries, tell
from services.events.projector.taking_in import Batch, TakingIn
from services.events.tables import state_metadata
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import END
from services.events.timeline.entry import Entry
from services.events.timeline.reader import EntryReader, Spot
from services.events.timeline.store import Placed

_STEP_SLOTS = 8_000


@dataclass(slots=True)
class _Mark:
    """What becomes of a customer's mark while a step is read, event by event."""

    place: Place
    from_key: bytes
    to_key: bytes
    events: int


class Identify:
    """The identify stage of one process."""

    def __init__(self, log: LogStore, state: Database, reader: EntryReader, leases: Leases) -> None:
        self._log = log
        self._state = state
        self._reader = reader
        self._leases = leases
        self._taking_in = TakingIn(log, reader)

    async def step(self, workspace: str) -> int:
        """Applies the next rows of the log, if this process owns the workspace, and looks through some former ones for
        events that a persona is the first to ask about; how many slots these were."""
        lease = identify_lease(workspace)
        if lease not in self._leases.held:
            return 0
        epochs = {lease: self._leases.held[lease]}
        try:
            return await self._advance(workspace, epochs)
        except Exception as error:
            if not is_about_entries(error):
                raise
        FAILURES.inc()
        return await self._advance(workspace, epochs, is_careful=True)

    async def _advance(self, workspace: str, epochs: Mapping[str, int], *, is_careful: bool = False) -> int:
        """One step. A careful one takes fewer rows, and sets aside what of them cannot be taken in."""
        most, unfit = (FEW_SLOTS if is_careful else _STEP_SLOTS), dict[Spot, str]()
        batch = Batch()
        async with self._state.write() as connection:
            place, applied = await cursor.read(connection, workspace)
            rows, cause = _of_one_cause(await self._log.read_after(workspace, place, most))
            if is_careful:
                unfit = await self._taking_in.find_unfit(connection, workspace, rows)
            for row in rows:
                batch.add(row, self._reader.keep(workspace, row.place.seq, row.slots), unfit)
            if rows:
                await self._apply(connection, workspace, batch, place, cause)
                await cursor.move(connection, self._state, workspace, rows[-1].place, applied + batch.slots)
            looked_through = await personas.fill(connection, self._log, workspace)
            if rows or looked_through:
                await self._leases.check(connection, epochs)
        tell(workspace, batch.rejected, batch.left_out, unfit)
        if not self._state.is_sqlite and applied.bit_length() < (applied + batch.slots).bit_length():
            await self._measure_tables()
        return batch.slots + looked_through

    async def _apply(
        self, connection: AsyncConnection, workspace: str, batch: Batch, read_until: Place, cause: Cause
    ) -> None:
        taken = await self._taking_in.take(connection, workspace, batch, read_until)
        placed = [
            Placed(profile, entry.key, entry.seq, entry.slot)
            for entry, (profile, _customer) in zip(taken.fresh, taken.owners, strict=True)
        ]
        await timeline_store.append(connection, workspace, placed)
        names = await personas.asked(connection, workspace)
        standing = ((profile, entry) for entry, (profile, _) in zip(taken.fresh, taken.owners, strict=True))
        await personas.append(connection, workspace, personas.among_asked(names, standing))
        customers = [customer for _profile, customer in taken.owners]
        await dirty.mark(connection, workspace, _marks(batch.places, taken.fresh, customers, taken.moved, cause))
        for reread in taken.rereads:
            await dirty.mark_since(connection, workspace, reread.place, reread.since)

    async def _measure_tables(self) -> None:
        """Each time the log has doubled, lets PostgreSQL's planner take a small sample of the tables.

        Autovacuum takes a large one once a minute; until then a first import reads whole workspaces for a few keys.
        """
        async with self._state.write() as connection:
            await connection.execute(text("SET LOCAL default_statistics_target = 10"))
            await connection.execute(text(f"ANALYZE {', '.join(state_metadata.tables)}"))


def _of_one_cause(rows: Sequence[LogRow]) -> tuple[Sequence[LogRow], Cause]:
    """The first of the rows, as far as they are all imported, or none of them is."""
    causes = [_cause(row) for row in rows]
    first = next((cause for cause in causes if cause is not None), Cause.LIVE)
    other = next((place for place, cause in enumerate(causes) if cause not in (first, None)), len(rows))
    return rows[:other], first


def _cause(row: LogRow) -> Cause | None:
    """Of the row's events, which were written together because they have the same; None if there are none."""
    for slot in row.slots:
        if isinstance(slot, Recorded):
            return Cause.IMPORTED if slot.imported else Cause.LIVE
        if isinstance(slot, Published | PublishedPersona):
            return Cause.LIVE
    return None


def _marks(
    places: Mapping[int, Place],
    fresh: Sequence[Entry],
    customers: Sequence[bytes],
    moved: Mapping[bytes, bytes],
    cause: Cause,
) -> dict[bytes, tuple[Place, Change]]:
    """One mark for each customer, at the earliest place that concerns it, of all that changed.

    Neither what stands at that place nor what follows is visible until the customer is folded.
    """
    start = next(iter(places.values()))
    marks = {customer: _Mark(start, from_key, END, 0) for customer, from_key in moved.items()}
    for entry, customer in zip(fresh, customers, strict=True):
        key = entry.key
        held = marks.get(customer)
        if held is None:
            marks[customer] = _Mark(places[entry.seq], key, key, 1)
            continue
        if key < held.from_key:
            held.from_key = key
        elif key > held.to_key:
            held.to_key = key
        held.events += 1
    return {
        customer: (mark.place, Change(mark.from_key, mark.to_key, mark.events, cause))
        for customer, mark in marks.items()
    }
