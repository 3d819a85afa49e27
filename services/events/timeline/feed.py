"""Events as a feed: in the order of the log, each when it is wholly visible. Duplicates and imports are left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from infra.chassis.database import Database
from services.events.feeds.feed import FeedPage
from services.events.identity.domain import profile_id
from services.events.identity.queries import CustomerQueries
from services.events.intake.position import START, Place, is_place
from services.events.intake.store import LogStore
from services.events.timeline.entry import Entry
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
            owners = await owners_of(connection, workspace, secret, [entry for _at, entry in placed])
            owned = [(at, entry) for at, entry in placed if entry.id in owners]
            journeys = await journeys_of(connection, workspace, [entry for _at, entry in owned], owners)
        known = await self._customers.profiles(workspace, set(owners.values()))
        return FeedPage(
            items=[
                EventTold(
                    at.token(), entry.id, owners[entry.id].hex(), journeys.get(entry.id, []), _names(secret, entry)
                )
                for at, entry in owned
            ],
            customers={customer.hex(): [profile.hex() for profile in some] for customer, some in known.items()},
            next=max([place, *(EventPlace.behind(row.place) for row in rows[-1:])]).token(),
        )


def _names(secret: bytes, entry: Entry) -> list[str]:
    return [profile_id(secret, *identifier).hex() for identifier in entry.recorded.identifiers]


def _place(after: str | None) -> EventPlace:
    if after is None:
        return EventPlace.behind(START)
    return EventPlace.behind(Place.parse(after)) if is_place(after) else EventPlace.parse(after)
