"""What is counted of sources, against what the log says that they sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.health import store as health
from services.events.health.domain import MOST_NAMES, Counted, amounts, follow, more
from services.events.health.store import Counts
from services.events.intake.position import START
from services.events.intake.store import LogRow, LogStore
from services.events.projector import cursor
from services.events.projector.taking_in import Batch, counted, message_digest, sift
from services.events.timeline import store as timeline_store
from services.events.timeline.reader import EntryReader

_STEP_SLOTS = 8_000
_K = TypeVar("_K")


class WrongSource(NamedTuple):
    """A source of which something else is counted. Which names these are is not said: customers' systems chose them."""

    workspace: str
    source: str
    kinds: list[str]


async def wrong_sources(
    connection: AsyncConnection,
    log: LogStore,
    reader: EntryReader,
    workspace: str,
    secret: bytes,
    tell: Callable[[int, int], None],
) -> list[WrongSource]:
    """Within one snapshot: reads the log up to where that is projected. `tell` hears how much of it is read."""
    end, slots = await cursor.read(connection, workspace)
    counting = _Counting(connection, reader, workspace, secret)
    place, done = START, 0
    while place < end and (rows := await log.read_after(workspace, place, _STEP_SLOTS)):
        rows = [row for row in rows if row.place <= end]
        await counting.add(rows)
        place, done = (rows[-1].place if rows else end), done + sum(len(row.slots) for row in rows)
        tell(done, slots)
    stored = await health.counted(connection, workspace)
    wrong: dict[str, list[str]] = defaultdict(list)
    for source in sorted({tally.source for tally in _differing(stored.amounts, counting.made.amounts)}):
        wrong[source].append("counts")
    for source in sorted({source for source, _name in _differing(stored.names, counting.made.names)}):
        wrong[source].append("names")
    return [WrongSource(workspace, source, kinds) for source, kinds in sorted(wrong.items())]


class _Counting:
    """Adds up what rows of the log say, as the projector does, but in memory."""

    def __init__(self, connection: AsyncConnection, reader: EntryReader, workspace: str, secret: bytes) -> None:
        self._connection = connection
        self._reader = reader
        self._workspace = workspace
        self._secret = secret
        self._room: dict[str, int] = defaultdict(lambda: MOST_NAMES)
        self.made = Counts({}, {})

    async def add(self, rows: list[LogRow]) -> None:
        batch = Batch()
        unfit = await timeline_store.set_aside(self._connection, self._workspace, [row.place.seq for row in rows])
        for row in rows:
            batch.add(row, self._reader.keep(self._workspace, row.place.seq, row.slots), unfit)
        digests = [message_digest(self._secret, entry) for entry in batch.entries]
        seen = await timeline_store.first_seen(self._connection, self._workspace, digests)
        places = [(entry.seq, entry.slot) for entry in batch.entries]
        first = [seen.get(digest, place) for digest, place in zip(digests, places, strict=True)]
        fresh, rejected = await sift(self._reader, self._workspace, batch, first)
        self._count(counted(fresh, batch.rejected + rejected))

    def _count(self, groups: list[Counted]) -> None:
        for tally, added in amounts(groups).items():
            self.made.amounts[tally] = more(self.made.amounts.get(tally), added)
        follow(self.made.names, self._room, groups)


def _differing(one: Mapping[_K, object], other: Mapping[_K, object]) -> set[_K]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
