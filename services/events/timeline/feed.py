"""Events as a feed: in the order of the log, each when it is wholly visible. Duplicates and imports are left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from infra.chassis.database import Database
from services.events.feeds.feed import FeedPage
from services.events.identity.queries import CustomerQueries
from services.events.intake.position import START, Place, is_place
from services.events.intake.store import LogStore
from services.events.timeline.owners import journeys_of, owners_of
from services.events.timeline.position import EventPlace
from services.events.timeline.reader import EntryReader

VisibleUntil = Callable[[str], Awaitable[Place]]
"""Up to which row of the log of a workspace everything is projected."""


class EventTold(msgspec.Struct, rename="camel"):
    """That an event was recorded; what it says is read by its id."""

    position: str
    id: str
    customer_id: str
    journeys: list[str]
    """Keys of the journeys of which an instance has taken it."""
    names: list[str]
    """Ids of the profiles of all identifiers in it, whoever they belong to."""


<<<<<<< HEAD
class _Owned(NamedTuple):
    entry: Entry
    place: EventPlace
    customer: ProfileId
    profiles: Sequence[ProfileId]


class _Step(NamedTuple):
    seq: int
    slot: int
    journey: str


=======
>>>>>>> 019331b (Exports of events and instances: CSV, JSON lines and XES, streamed in bounded parts)
class EventFeed:
    def __init__(
        self,
        state: Database,
        log: LogStore,
        reader: EntryReader,
        customers: CustomerQueries,
        visible_until: VisibleUntil,
    ) -> None:
        self._state = state
        self._log = log
        self._reader = reader
        self._customers = customers
        self._visible_until = visible_until

    async def end(self, workspace: str) -> str:
        return EventPlace.behind(await self._visible_until(workspace)).token()

    async def read(self, workspace: str, after: str | None, first: int) -> FeedPage:
        """The last row is read to its end, so there may be more items than asked for."""
        place = _place(after)
        until = await self._visible_until(workspace)
        rows = [row for row in await self._log.read_after(workspace, place.rows_before, first) if row.place <= until]
        placed = [
            (EventPlace(*row.place, entry.slot), entry)
            for row in rows
            for entry in self._reader.keep(workspace, row.place.seq, row.slots)
            if entry is not None and not entry.recorded.imported
        ]
        placed = [one for one in placed if one[0] > place]
        secret = await self._log.secret(workspace)
        async with self._state.read() as connection:
            owners = await owners_of(connection, workspace, secret, [entry for _place, entry in placed])
            owned = [(place, entry) for place, entry in placed if entry.id in owners]
            journeys = await journeys_of(connection, workspace, [entry for _place, entry in owned], owners)
        known = await self._customers.profiles(workspace, set(owners.values()))
        return FeedPage(
<<<<<<< HEAD
            items=[_told(one, journeys.get(one.entry.id, [])) for one in owned],
=======
            items=[
                EventTold(place.token(), entry.id, owners[entry.id].hex(), journeys.get(entry.id, []))
                for place, entry in owned
            ],
>>>>>>> 019331b (Exports of events and instances: CSV, JSON lines and XES, streamed in bounded parts)
            customers={customer.hex(): [profile.hex() for profile in some] for customer, some in known.items()},
            next=max([place, *(EventPlace.behind(row.place) for row in rows[-1:])]).token(),
        )

<<<<<<< HEAD
    async def _owned(self, workspace: str, placed: Sequence[tuple[EventPlace, Entry]]) -> list[_Owned]:
        """The events with their customers. A duplicate stands in no timeline, or what stands there is another one."""
        secret = await self._log.secret(workspace)
        named = [
            [profile_id(secret, *identifier) for identifier in entry.recorded.identifiers] for _place, entry in placed
        ]
        keys = {(profiles[0], entry.key) for profiles, (_place, entry) in zip(named, placed, strict=True)}
        customers: dict[tuple[int, int], ProfileId] = {}
        async with self._state.read() as connection:
            for some in fitting(list(keys), 2):
                asked = given(connection, "asked", {"profile": timeline.c.profile, "key": timeline.c.key}, some)
                stands = and_(
                    timeline.c.workspace == workspace,
                    timeline.c.profile == asked.c.profile,
                    timeline.c.key == asked.c.key,
                )
                owner = and_(identifiers.c.workspace == workspace, identifiers.c.profile == asked.c.profile)
                joined = asked.join(timeline, stands).join(identifiers, owner)
                query = select(timeline.c.seq, timeline.c.slot, identifiers.c.customer).select_from(joined)
                customers |= {(row.seq, row.slot): row.customer for row in await connection.execute(query)}
        return [
            _Owned(entry, place, customers[entry.seq, entry.slot], profiles)
            for profiles, (place, entry) in zip(named, placed, strict=True)
            if (entry.seq, entry.slot) in customers
        ]

    async def _journeys(self, workspace: str, owned: Sequence[_Owned]) -> dict[str, list[str]]:
        """By the ids of events, the journeys in which they are steps."""
        found: dict[str, list[str]] = {}
        async with self._state.read() as connection:
            for some in fitting(owned, 2):
                for row in await _steps(connection, workspace, some):
                    found.setdefault(f"{row.seq}-{row.slot}", []).append(row.journey)
        return found


async def _steps(connection: AsyncConnection, workspace: str, owned: Sequence[_Owned]) -> Sequence[_Step]:
    rows = [(one.customer, one.entry.key) for one in owned]
    asked = given(connection, "asked", {"customer": steps.c.customer, "key": steps.c.key}, rows)
    live = select(builds.c.build, builds.c.journey).where(is_live(workspace)).cte("live")
    made = and_(
        steps.c.workspace == workspace,
        steps.c.customer == asked.c.customer,
        steps.c.build == live.c.build,
        steps.c.key == asked.c.key,
    )
    query = (
        select(steps.c.seq, steps.c.slot, live.c.journey)
        .select_from(asked.join(live, literal(True)).join(steps, made))
        .order_by(live.c.journey)
    )
    return [_Step(*row) for row in await connection.execute(query)]

=======
>>>>>>> 019331b (Exports of events and instances: CSV, JSON lines and XES, streamed in bounded parts)

def _told(one: _Owned, journeys: list[str]) -> EventTold:
    names = [profile.hex() for profile in one.profiles]
    return EventTold(one.place.token(), one.entry.id, one.customer.hex(), journeys, names)


def _place(after: str | None) -> EventPlace:
    if after is None:
        return EventPlace.behind(START)
    return EventPlace.behind(Place.parse(after)) if is_place(after) else EventPlace.parse(after)
