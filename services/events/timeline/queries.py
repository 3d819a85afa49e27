"""Reading histories: pages of a customer's timeline, and events by their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, Row, Select, and_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among
from services.events.identity.domain import ProfileId
from services.events.paging import Page, read_cursor, write_cursor
from services.events.ranges import first_of_each
from services.events.tables import builds, customers, identifiers, steps, timeline
from services.events.timeline.entry import Entry
from services.events.timeline.reader import EntryReader, parse_event_id
from services.events.visible import is_live

MOST_SCANNED = 2_000
"""Events that one call looks at, over all customers, in search of those that its filters let pass."""

_TAG = b"t"
_FIRST_CHUNK = 64
_SEQ_END = 1 << 63


class Wanted(NamedTuple):
    """Which events of a timeline, and which page of them. None lets everything pass."""

    first: int
    after: str | None = None
    journey: str | None = None  # steps of an instance of this journey
    channels: Collection[str] | None = None
    names: Collection[str] | None = None

    @property
    def selects(self) -> bool:
        """Whether events have to be looked at to know if they are wanted."""
        return self.channels is not None or self.names is not None

    def lets_pass(self, entry: Entry) -> bool:
        return (self.channels is None or entry.channel in self.channels) and (
            self.names is None or entry.name in self.names
        )


class TimelineQueries:
    """Reads timelines, newest first: a merge of the ranges of a customer's profiles, each entered at the cursor."""

    def __init__(self, state: Database, reader: EntryReader) -> None:
        self._state = state
        self._reader = reader

    async def pages(
        self, workspace: str, customers: Collection[ProfileId], wanted: Wanted
    ) -> dict[ProfileId, Page[Entry]]:
        """A page for each customer. A page may hold fewer events than there are, with `has_next_page` and a cursor from
        where to go on, when `MOST_SCANNED` events were looked at and most did not pass.

        Raises BadRequest (BAD_CURSOR).
        """
        after = None if wanted.after is None else read_cursor(_TAG, wanted.after)
        limit = wanted.first + 1
        if wanted.selects and customers:
            limit = max(limit, MOST_SCANNED // len(customers))
        places = await self._places(workspace, customers, after, limit, wanted.journey)
        scans = {customer: _Scan(rows, full=len(rows) == limit) for customer, rows in places.items()}
        await self._look(workspace, scans.values(), wanted)
        return {customer: _page(scan, wanted) for customer, scan in scans.items()}

    async def events(self, workspace: str, ids: Sequence[str]) -> list[Entry | None]:
        """For each id the event that it names."""
        places = [_place(id) for id in ids]
        known = list({place for place in places if place is not None})
        entries = dict(zip(known, await self._reader.read(workspace, known), strict=True))
        return [None if place is None else entries[place] for place in places]

    async def _places(
        self, workspace: str, asked: Collection[ProfileId], after: bytes | None, limit: int, journey: str | None
    ) -> dict[ProfileId, list[Row[Any]]]:
        async with self._state.read() as connection:
            if journey is None:
                owners, ranges = _profiles(connection, workspace, asked), timeline
            else:
                owners, ranges = _live_builds(connection, workspace, asked, journey), steps
            if after is not None:
                owners = owners.add_columns(literal(after, LargeBinary).label("to_key"))
            return await first_of_each(connection, asked, owners.subquery(), ranges, limit=limit, newest_first=True)

    async def _look(self, workspace: str, scans: Iterable[_Scan], wanted: Wanted) -> None:
        """Reads events until every scan has found a page and one more, or has nothing left; few rounds of queries,
        because each looks at more events than the one before."""
        chunk = max(wanted.first + 1, _FIRST_CHUNK)
        while scans := [scan for scan in scans if scan.rest and len(scan.found) <= wanted.first]:
            rows = [(scan, row) for scan in scans for row in scan.take(chunk)]
            entries = await self._reader.read(workspace, [(row.seq, row.slot) for _scan, row in rows])
            for (scan, _row), entry in zip(rows, entries, strict=True):
                if entry is not None and wanted.lets_pass(entry):
                    scan.found.append(entry)
            chunk *= 4


def _profiles(connection: AsyncConnection, workspace: str, asked: Collection[ProfileId]) -> Select[*tuple[Any, ...]]:
    """The parts of customers' timelines."""
    columns = (identifiers.c.workspace, identifiers.c.profile, identifiers.c.customer.label("owner"))
    return select(*columns).where(
        identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, asked)
    )


def _live_builds(
    connection: AsyncConnection, workspace: str, asked: Collection[ProfileId], journey: str
) -> Select[*tuple[Any, ...]]:
    """Where the steps stand that customers made in a journey."""
    columns = (customers.c.workspace, customers.c.customer, builds.c.build, customers.c.customer.label("owner"))
    return (
        select(*columns)
        .join_from(customers, builds, and_(is_live(workspace), builds.c.journey == journey))
        .where(customers.c.workspace == workspace, among(connection, customers.c.customer, asked))
    )


@dataclass(slots=True)
class _Scan:
    """The search through one timeline."""

    rest: list[Row[Any]]
    full: bool
    """Whether the timeline may go on behind `rest`."""
    found: list[Entry] = field(default_factory=list)
    last: bytes | None = None
    """Key of the last event looked at."""

    def take(self, count: int) -> list[Row[Any]]:
        taken, self.rest = self.rest[:count], self.rest[count:]
        self.last = taken[-1].key
        return taken


def _page(scan: _Scan, wanted: Wanted) -> Page[Entry]:
    items = scan.found[: wanted.first]
    cursors = [write_cursor(_TAG, entry.key) for entry in items]
    end = cursors[-1] if cursors else wanted.after
    more = len(scan.found) > wanted.first
    if not more and scan.full and scan.last is not None:  # everything looked at, yet not everything there is
        more, end = True, write_cursor(_TAG, scan.last)
    return Page(items, cursors, end, more, wanted.after is not None)


def _place(id: str) -> tuple[int, int] | None:
    place = parse_event_id(id)
    return place if place is not None and max(place) < _SEQ_END else None
