"""What a stretch of the log asserts, taken in: message ids, identities, rejected events and published versions.

Both who projects the log as it grows and who replays it begin with this; what follows from it for timelines and
customers is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.health import store as health
from services.events.health.domain import ACCEPTED, Counted, grouped
from services.events.identity.domain import ProfileId
from services.events.identity.ledger import Ledger
from services.events.intake.position import START, Place
from services.events.intake.slots import Published, PublishedPersona, Refused, Resubmitted
from services.events.intake.store import LogRow, LogStore
from services.events.models import builds
from services.events.models.builds import Publication, Reread
from services.events.personas import store as personas
from services.events.projector.setting_aside import (
    cause_of,
    is_about_entries,
    narrow,
    unlistable,
    unprocessable,
)
from services.events.timeline import store as timeline_store
from services.events.timeline.entry import Entry, as_sent, same_content
from services.events.timeline.reader import EntryReader, Spot
from services.events.timeline.store import CONFLICTING_DUPLICATE, RejectedRow


@dataclass(slots=True)
class Batch:
    """Rows of the log, sorted by what must be done with what they hold."""

    entries: list[Entry] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    resubmitted: list[tuple[int, int]] = field(default_factory=list)
    """Rejected events, by their places, that were accepted since."""
    published: list[Publication] = field(default_factory=list)
    personas: list[personas.Publication] = field(default_factory=list)
    unfit: set[Spot] = field(default_factory=set)
    """Events among `entries` that cannot be taken in, but for their message ids."""
    left_out: list[Published | PublishedPersona] = field(default_factory=list)
    """Versions that cannot be taken in."""
    slots: int = 0
    places: dict[int, Place] = field(default_factory=dict)
    """Of the rows, by their `seq`, in the order of the log."""

    def add(self, row: LogRow, entries: Sequence[Entry | None], unfit: Collection[Spot] = ()) -> None:
        """`entries` has, by slot, the events of the row; `unfit`: what of this row or others cannot be taken in."""
        self.places[row.place.seq] = row.place
        self.slots += len(row.slots)
        for index, entry in enumerate(entries):
            self.add_slot(row, index, entry, bool(unfit) and (row.place.seq, index) in unfit)

    def add_slot(self, row: LogRow, index: int, entry: Entry | None, is_unfit: bool) -> None:
        """Adds one slot alone."""
        slot = row.slots[index]
        if entry is not None:
            self.entries.append(entry)
            if is_unfit or not entry.has_place:
                self.unfit.add((entry.seq, entry.slot))
        elif isinstance(slot, Refused):
            self.rejected.append(_rejected_row(row.place.seq, index, unlistable(slot) if is_unfit else slot))
        elif isinstance(slot, Resubmitted):
            self.resubmitted.append((slot.seq, slot.slot))
        elif isinstance(slot, Published | PublishedPersona) and is_unfit:
            self.left_out.append(slot)
        elif isinstance(slot, Published):
            self.published.append(Publication(row.place, index, row.logged_at, slot))
        elif isinstance(slot, PublishedPersona):
            self.personas.append(personas.Publication(row.place.seq, slot))


class _Tried(NamedTuple):
    """A slot of the log that is tried alone or with others."""

    row: LogRow
    slot: int
    entry: Entry | None

    @property
    def spot(self) -> Spot:
        return self.row.place.seq, self.slot


class TakenIn(NamedTuple):
    fresh: list[Entry]
    """The events that were seen for the first time."""
    owners: list[tuple[ProfileId, ProfileId]]
    """For each of them the profile under which it stands, and the customer that this profile belongs to now."""
    moved: dict[ProfileId, bytes]
    """See identity.ledger.Observed."""
    rereads: list[Reread]
    """What must be folded again because of published versions."""


class TakingIn:
    """Of the logs of all workspaces."""

    def __init__(self, log: LogStore, reader: EntryReader) -> None:
        self._log = log
        self._reader = reader
        self._secrets: dict[str, bytes] = {}

    async def take(
        self, connection: AsyncConnection, workspace: str, batch: Batch, read_until: Place = START
    ) -> TakenIn:
        """Takes in the next rows of the log, all of it or nothing.

        `read_until`: what lies at or before it is to be looked through for events that personas are the first to ask
        about; START: the caller sees to it.
        """
        secret = await self._secret(workspace)
        fresh = await self._without_duplicates(connection, workspace, secret, batch)
        owners, moved = await Ledger(workspace, secret).observe(connection, fresh)
        await timeline_store.keep_rejected(connection, workspace, batch.rejected)
        await timeline_store.drop_rejected(connection, workspace, batch.resubmitted)
        await health.count(connection, workspace, counted(fresh, batch.rejected))
        rereads = await builds.publish(connection, workspace, batch.published) if batch.published else []
        if batch.personas:
            await personas.publish(connection, workspace, batch.personas, read_until)
        return TakenIn(fresh, owners, moved, rereads)

    async def find_unfit(self, connection: AsyncConnection, workspace: str, rows: Sequence[LogRow]) -> dict[Spot, str]:
        """What of the next rows of the log cannot be taken in even alone, with the class of the error.

        Each is tried behind all before it that can be, so it does not matter which rows are looked at together. For a
        stretch that failed; nothing of it is left in the transaction.
        """
        found: dict[Spot, str] = {}

        async def take(stretch: Sequence[_Tried]) -> bool:
            try:
                async with connection.begin_nested():
                    await self.take(connection, workspace, _batch_of(stretch, False))
            except Exception as error:
                if not is_about_entries(error):
                    raise
                if len(stretch) == 1:
                    found[stretch[0].spot] = type(cause_of(error)).__name__
                    await self.take(connection, workspace, _batch_of(stretch, True))  # its message id counts
                return False
            return True

        trial = await connection.begin_nested()
        await narrow([one for row in rows for one in self._each(workspace, row)], take)
        await trial.rollback()
        return found

    def _each(self, workspace: str, row: LogRow) -> list[_Tried]:
        entries = self._reader.keep(workspace, row.place.seq, row.slots)
        return [_Tried(row, slot, entry) for slot, entry in enumerate(entries)]

    async def _without_duplicates(
        self, connection: AsyncConnection, workspace: str, secret: bytes, batch: Batch
    ) -> list[Entry]:
        """The events that are seen for the first time. Another content under a known message id is kept as rejected."""
        places: dict[bytes, tuple[int, int]] = {}
        digests = [message_digest(secret, entry) for entry in batch.entries]
        for digest, entry in zip(digests, batch.entries, strict=True):
            places.setdefault(digest, (entry.seq, entry.slot))
        places |= await timeline_store.remember(connection, workspace, places)
        first = [places[digest] for digest in digests]
        fresh, rejected = await sift(self._reader, workspace, batch, first)
        batch.rejected += rejected
        return fresh

    async def _secret(self, workspace: str) -> bytes:
        if workspace not in self._secrets:
            self._secrets[workspace] = await self._log.secret(workspace)
        return self._secrets[workspace]


async def sift(
    reader: EntryReader, workspace: str, batch: Batch, first: Sequence[Spot]
) -> tuple[list[Entry], list[RejectedRow]]:
    """Of events whose message ids came first at these places: those that are the first, and those to be listed as
    rejected, because they contradict it or, being the first themselves, cannot be taken in."""
    entries = batch.entries
    fresh = [entry for entry, place in zip(entries, first, strict=True) if place == (entry.seq, entry.slot)]
    rejected = []
    if len(fresh) < len(entries):
        originals = await reader.read(workspace, first)
        for entry, original in zip(entries, originals, strict=True):
            if original is not None and not same_content(original.recorded, entry.recorded):
                rejected.append(_conflicting(entry))
    if batch.unfit:
        rejected += [unprocessable(entry) for entry in fresh if (entry.seq, entry.slot) in batch.unfit]
        fresh = [entry for entry in fresh if (entry.seq, entry.slot) not in batch.unfit]
    return fresh, rejected


def counted(fresh: Iterable[Entry], rejected: Iterable[RejectedRow]) -> list[Counted]:
    """What of this is counted of the sources."""
    accepted = ((entry.source, (event := entry.recorded).received_at, ACCEPTED, event.name) for entry in fresh)
    return grouped(chain(accepted, ((row.source, row.received_at, row.code, "") for row in rejected)))


def message_digest(secret: bytes, entry: Entry) -> bytes:
    return blake2b(f"{entry.source}\x00{entry.message_id}".encode(), digest_size=16, key=secret).digest()


def _batch_of(stretch: Sequence[_Tried], is_unfit: bool) -> Batch:
    batch = Batch()
    for row, slot, entry in stretch:
        batch.add_slot(row, slot, entry, is_unfit)
    return batch


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
