"""Reading events for export: in the order of the log, or customer by customer; either way a bounded part at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import LargeBinary, and_, func, literal, select

from infra.chassis.database import Database
from services.events.export.wanted import ALL, Wanted
from services.events.identity.domain import ProfileId
from services.events.intake.position import START
from services.events.intake.slots import Recorded, size_of
from services.events.intake.store import LogStore
from services.events.ranges import first_of_each
from services.events.tables import customers, identifiers, timeline
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import BEGINNING, END
from services.events.timeline.entry import Entry
from services.events.timeline.feed import VisibleUntil
from services.events.timeline.owners import journeys_of, owners_of

EVENTS_AT_ONCE = 20_000
"""About 40 MB of them, as they usually are."""
BYTES_AT_ONCE = 16 << 20
"""Of what events say. Anybody with a public key makes them sixty times as large as they usually are."""
_SLOTS_AT_ONCE = 2_500
_CUSTOMERS_AT_ONCE = 1_000
_ROWS_AT_ONCE = 8


_PAGES_AT_ONCE = 4
"""Into which so much is cut at least: what is written is held several times on its way to the client."""


class TooMuch(Exception):
    """Events say more than is held at once; fewer of them are to be asked for."""


class Owned(NamedTuple):
    customer: ProfileId
    entry: Entry


class Part(NamedTuple):
    """Some of a customer's events, in their order; other parts follow at once until it is the last one."""

    customer: ProfileId
    entries: Sequence[Entry]
    is_first: bool = True
    is_last: bool = True


class EventExport:
    def __init__(
        self,
        state: Database,
        log: LogStore,
        visible_until: VisibleUntil,
        at_once: int = EVENTS_AT_ONCE,
        bytes_at_once: int = BYTES_AT_ONCE,
    ) -> None:
        self._state = state
        self._log = log
        self._visible_until = visible_until
        self._at_once = at_once
        self._bytes_at_once = bytes_at_once

    async def in_log_order(self, workspace: str, wanted: Wanted) -> AsyncGenerator[list[Owned], None]:
        """All events that are visible now, each once. A page is short enough to wait for a client that reads slowly."""
        until = await self._visible_until(workspace)
        place = START
        while place < until:
            rows = await self._log.read_after(workspace, place, _SLOTS_AT_ONCE, self._bytes_at_once)
            if not rows:
                return
            place = rows[-1].place
            entries = [
                Entry.of(row.place.seq, number, slot)
                for row in rows
                if row.place <= until
                for number, slot in enumerate(row.slots)
                if isinstance(slot, Recorded) and wanted.includes(slot.occurred_at)
            ]
            del rows
            for some in _pages(entries, self._bytes_at_once // _PAGES_AT_ONCE):
                if owned := await self._owned(workspace, some, wanted):
                    yield owned

    async def by_customer(self, workspace: str, wanted: Wanted) -> AsyncGenerator[Part, None]:
        """All events, with those of a customer together and in the order of their history.

        A log row is read once for every 20,000 events of which it holds some: for large logs that is often.
        """
        async for counted in self._counted(workspace):
            for some in _groups(counted, self._at_once):
                [(first, count), *_] = some
                if count > self._at_once:
                    async for part in self._long_history(workspace, first, wanted):
                        yield part
                else:
                    async for part in self._parts(workspace, [customer for customer, _count in some], wanted):
                        yield part

    async def entries(
        self, workspace: str, places: Sequence[tuple[int, int]], wanted: Wanted = ALL, *, bounded: bool = True
    ) -> list[Entry]:
        """Those of the events at these places (row, slot) of the log that happened in the period.

        Raises TooMuch, if `bounded`.
        """
        most = self._bytes_at_once if bounded and len(places) > 1 else None
        said = 0
        by_row: dict[int, list[int]] = defaultdict(list)
        for seq, slot in places:
            by_row[seq].append(slot)
        rows = sorted(by_row)
        found: list[Entry] = []
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            some = {seq: by_row[seq] for seq in rows[at : at + _ROWS_AT_ONCE]}
            for place, held in (await self._log.read_some(workspace, some)).items():
                if isinstance(held, Recorded) and wanted.includes(held.occurred_at):
                    found.append(Entry.of(*place, held))
                    said += size_of(held)
            if most is not None and said > most:
                raise TooMuch
        return found

    async def _owned(self, workspace: str, entries: Sequence[Entry], wanted: Wanted) -> list[Owned]:
        secret = await self._log.secret(workspace)
        async with self._state.read() as connection:
            owners = await owners_of(connection, workspace, secret, entries)
            owned = [Owned(owners[entry.id], entry) for entry in entries if entry.id in owners]
            if wanted.journey is None:
                return owned
            journeys = await journeys_of(connection, workspace, [one.entry for one in owned], owners)
        return [one for one in owned if wanted.journey in journeys.get(one.entry.id, ())]

    async def _counted(self, workspace: str) -> AsyncGenerator[list[tuple[ProfileId, int]], None]:
        """Customers with the number of their events. Outer joins, so that SQLite begins with the customers."""
        after = b""
        theirs = and_(timeline.c.workspace == workspace, timeline.c.profile == identifiers.c.profile)
        while True:
            known = select(customers.c.customer).where(
                customers.c.workspace == workspace, customers.c.customer > literal(after, LargeBinary)
            )
            page = known.order_by(customers.c.customer).limit(_CUSTOMERS_AT_ONCE).subquery("page")
            named = and_(identifiers.c.workspace == workspace, identifiers.c.customer == page.c.customer)
            query = (
                select(page.c.customer, func.count(timeline.c.seq))
                .select_from(page.outerjoin(identifiers, named).outerjoin(timeline, theirs))
                .group_by(page.c.customer)
                .order_by(page.c.customer)
            )
            async with self._state.read() as connection:
                counted = [(row[0], row[1]) for row in await connection.execute(query)]
            if not counted:
                return
            yield counted
            after = counted[-1][0]

    async def _parts(self, workspace: str, asked: Sequence[ProfileId], wanted: Wanted) -> AsyncGenerator[Part, None]:
        """Of half of the customers at a time, if all together say too much."""
        try:
            parts = await self._histories(workspace, asked, wanted)
        except TooMuch:
            parts = []
            middle = len(asked) // 2
            halves = [self._parts(workspace, half, wanted) for half in (asked[:middle], asked[middle:])]
            for half in halves if middle else [self._long_history(workspace, asked[0], wanted)]:
                async for part in half:
                    yield part
        for part in parts:
            yield part

    async def _histories(self, workspace: str, asked: Sequence[ProfileId], wanted: Wanted) -> list[Part]:
        async with self._state.read() as connection:
            stretches = [(customer, BEGINNING, END) for customer in asked]
            places = await timeline_store.events_within(connection, workspace, stretches)
        owners = {f"{seq}-{slot}": customer for customer, seq, slot in places}
        entries = await self._chosen(workspace, [(seq, slot) for _customer, seq, slot in places], owners, wanted)
        histories: dict[ProfileId, list[Entry]] = {customer: [] for customer in asked}
        for entry in sorted(entries, key=attrgetter("key")):
            histories[owners[entry.id]].append(entry)
        return [Part(customer, history) for customer, history in histories.items() if history]

    async def _long_history(self, workspace: str, customer: ProfileId, wanted: Wanted) -> AsyncGenerator[Part, None]:
        """In parts, with fewer events in each once one of them says too much."""
        behind, limit = BEGINNING, self._at_once
        held: Part | None = None
        while True:
            own = select(
                identifiers.c.workspace,
                identifiers.c.profile,
                identifiers.c.customer.label("owner"),
                literal(behind, LargeBinary).label("from_key"),
            ).where(identifiers.c.workspace == workspace, identifiers.c.customer == customer)
            async with self._state.read() as connection:
                found = await first_of_each(connection, [customer], own.subquery(), timeline, limit=limit)
            rows = found[customer]
            owners = {f"{row.seq}-{row.slot}": customer for row in rows}
            try:
                entries = await self._chosen(workspace, [(row.seq, row.slot) for row in rows], owners, wanted)
            except TooMuch:
                limit = len(rows) // 2
                continue
            if entries:
                if held is not None:
                    yield held
                held = Part(customer, sorted(entries, key=attrgetter("key")), is_first=held is None, is_last=False)
            if len(rows) < limit:
                break
            behind = rows[-1].key + b"\x00"
        if held is not None:
            yield held._replace(is_last=True)

    async def _chosen(
        self, workspace: str, places: Sequence[tuple[int, int]], owners: dict[str, ProfileId], wanted: Wanted
    ) -> list[Entry]:
        entries = await self.entries(workspace, places, wanted)
        if wanted.journey is None or not entries:
            return entries
        async with self._state.read() as connection:
            journeys = await journeys_of(connection, workspace, entries, owners)
        return [entry for entry in entries if wanted.journey in journeys.get(entry.id, ())]


def _pages(entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
    """Consecutive events that say together at most so many bytes; one that says more is alone."""
    page: list[Entry] = []
    said = 0
    for entry in entries:
        size = size_of(entry.recorded)
        if page and said + size > most:
            yield page
            page, said = [], 0
        page.append(entry)
        said += size
    if page:
        yield page


def _groups(counted: Sequence[tuple[ProfileId, int]], most: int) -> Iterator[list[tuple[ProfileId, int]]]:
    """Consecutive customers who have together at most so many events; one who has more is alone."""
    group: list[tuple[ProfileId, int]] = []
    events = 0
    for one in counted:
        if group and events + one[1] > most:
            yield group
            group, events = [], 0
        group.append(one)
        events += one[1]
    if group:
        yield group
