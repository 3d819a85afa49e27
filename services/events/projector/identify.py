"""The first stage: from the log to identities, timelines and marks of what must be folded.

One owner per workspace reads the log in order. A step is one transaction that also moves the cursor, so each entry is
applied exactly once: duplicates are recognised, identifiers and links resolved, each event put into the timeline of its
strongest identifier, and every customer whose history changed is marked dirty at the entry's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.identity.ledger import Ledger
from services.events.intake.position import START, Place
from services.events.intake.slots import Published, Refused
from services.events.intake.store import LogRow, LogStore
from services.events.models import builds
from services.events.models.builds import Publication
from services.events.projector import dirty
from services.events.projector.dirty import Change
from services.events.projector.leases import Leases
from services.events.tables import cursors, state_metadata
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import END, first_key_at
from services.events.timeline.entry import Entry, as_sent, same_content
from services.events.timeline.reader import EntryReader
from services.events.timeline.store import Placed, RejectedRow

CONFLICTING_DUPLICATE = "CONFLICTING_DUPLICATE"
_STEP_SLOTS = 8_000


@dataclass(slots=True)
class _Batch:
    """What one step found in the log, sorted by what must be done with it."""

    entries: list[Entry] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    published: list[Publication] = field(default_factory=list)
    slots: int = 0
    places: dict[int, Place] = field(default_factory=dict)
    """Of the rows, by their `seq`, in the order of the log."""

    def add(self, row: LogRow, entries: Sequence[Entry | None]) -> None:
        """`entries` has, by slot, the events of the row."""
        self.places[row.place.seq] = row.place
        self.slots += len(row.slots)
        for index, (slot, entry) in enumerate(zip(row.slots, entries, strict=True)):
            if entry is not None:
                self.entries.append(entry)
            elif isinstance(slot, Refused):
                self.rejected.append(_rejected_row(row.place.seq, index, slot))
            elif isinstance(slot, Published):
                self.published.append(Publication(row.place, index, row.logged_at, slot))


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
        self._secrets: dict[str, bytes] = {}

    async def step(self, workspace: str) -> int:
        """Applies the next rows of the log, if this process owns the workspace; how many slots it applied."""
        lease = f"identify/{workspace}"
        if lease not in self._leases.held:
            return 0
        epochs = {lease: self._leases.held[lease]}
        async with self._state.write() as connection:
            cursor, applied = await _cursor(connection, workspace)
            rows = await self._log.read_after(workspace, cursor, _STEP_SLOTS)
            if not rows:
                return 0
            batch = _Batch()
            for row in rows:
                batch.add(row, self._reader.keep(workspace, row.place.seq, row.slots))
            await self._apply(connection, workspace, batch)
            await self._move_cursor(connection, workspace, rows[-1].place, applied + batch.slots)
            await self._leases.check(connection, epochs)
        if not self._state.is_sqlite and applied.bit_length() < (applied + batch.slots).bit_length():
            await self._measure_tables()
        return batch.slots

    async def _apply(self, connection: AsyncConnection, workspace: str, batch: _Batch) -> None:
        secret = await self._secret(workspace)
        fresh = await self._without_duplicates(connection, workspace, secret, batch)
        ledger = Ledger(workspace, secret)
        owners, moved = await ledger.observe(connection, fresh)
        placed = [
            Placed(profile, entry.key, entry.seq, entry.slot)
            for entry, (profile, _customer) in zip(fresh, owners, strict=True)
        ]
        await timeline_store.append(connection, workspace, placed)
        await timeline_store.keep_rejected(connection, workspace, batch.rejected)
        customers = [customer for _profile, customer in owners]
        await dirty.mark(connection, workspace, _marks(batch.places, fresh, customers, moved))
        if batch.published:
            for reread in await builds.publish(connection, workspace, batch.published):
                await dirty.mark_since(connection, workspace, reread.place, first_key_at(reread.since))

    async def _without_duplicates(
        self, connection: AsyncConnection, workspace: str, secret: bytes, batch: _Batch
    ) -> list[Entry]:
        """The events that are seen for the first time. Another content under a known message id is kept as rejected."""
        places: dict[bytes, tuple[int, int]] = {}
        digests = [_message_digest(secret, entry) for entry in batch.entries]
        for digest, entry in zip(digests, batch.entries, strict=True):
            places.setdefault(digest, (entry.seq, entry.slot))
        places |= await timeline_store.remember(connection, workspace, places)
        first = [places[digest] for digest in digests]
        fresh = [entry for entry, place in zip(batch.entries, first, strict=True) if place == (entry.seq, entry.slot)]
        if len(fresh) < len(batch.entries):
            originals = await self._reader.read(workspace, first)
            for entry, original in zip(batch.entries, originals, strict=True):
                if original is not None and not same_content(original.recorded, entry.recorded):
                    batch.rejected.append(_conflicting(entry))
        return fresh

    async def _secret(self, workspace: str) -> bytes:
        if workspace not in self._secrets:
            self._secrets[workspace] = await self._log.secret(workspace)
        return self._secrets[workspace]

    async def _measure_tables(self) -> None:
        """Each time the log has doubled, lets PostgreSQL's planner take a small sample of the tables.

        Autovacuum takes a large one once a minute; until then a first import reads whole workspaces for a few keys.
        """
        async with self._state.write() as connection:
            await connection.execute(text("SET LOCAL default_statistics_target = 10"))
            await connection.execute(text(f"ANALYZE {', '.join(state_metadata.tables)}"))

    async def _move_cursor(self, connection: AsyncConnection, workspace: str, place: Place, slots: int) -> None:
        statement = self._state.upsert(cursors).values(workspace=workspace, xid=place.xid, seq=place.seq, slots=slots)
        changed = {name: statement.excluded[name] for name in ("xid", "seq", "slots")}
        await connection.execute(statement.on_conflict_do_update(index_elements=[cursors.c.workspace], set_=changed))


async def _cursor(connection: AsyncConnection, workspace: str) -> tuple[Place, int]:
    query = select(cursors.c.xid, cursors.c.seq, cursors.c.slots).where(cursors.c.workspace == workspace)
    row = (await connection.execute(query)).first()
    return (Place(row.xid, row.seq), row.slots) if row else (START, 0)


def _marks(
    places: Mapping[int, Place], fresh: Sequence[Entry], customers: Sequence[bytes], moved: Mapping[bytes, bytes]
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
    return {customer: (mark.place, Change(mark.from_key, mark.to_key, mark.events)) for customer, mark in marks.items()}


def _message_digest(secret: bytes, entry: Entry) -> bytes:
    return blake2b(f"{entry.source}\x00{entry.message_id}".encode(), digest_size=16, key=secret).digest()


def _rejected_row(seq: int, slot: int, refused: Refused) -> RejectedRow:
    path = msgspec.json.encode(refused.path).decode()
    return RejectedRow(
        seq, slot, refused.source, refused.received_at, refused.code, refused.message, path, refused.body
    )


def _conflicting(entry: Entry) -> RejectedRow:
    return RejectedRow(
        seq=entry.seq,
        slot=entry.slot,
        source=entry.source,
        received_at=entry.recorded.received_at,
        code=CONFLICTING_DUPLICATE,
        message="Another event with this message id and other content was recorded before; the first one counts.",
        path='["messageId"]',
        body=msgspec.json.encode(as_sent(entry.recorded)),
    )
