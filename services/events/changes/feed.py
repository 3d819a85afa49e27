"""Published changes as a feed."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from services.events.changes import store
from services.events.changes.position import START, ChangePlace
from services.events.changes.schemas import change_document
from services.events.feeds.feed import FeedPage
from services.events.identity.queries import CustomerQueries
from services.events.intake.position import Place, is_place
from services.events.intake.store import LogStore


class ChangeFeed:
    """Goes on behind a position of its own, or behind a write: from there on nothing that was published is left out."""

    def __init__(self, state: Database, log: LogStore, customers: CustomerQueries, clock: Clock) -> None:
        self._state = state
        self._log = log
        self._customers = customers
        self._clock = clock

    async def end(self, workspace: str) -> str:
        async with self._state.read() as connection:
            return (await store.end(connection, workspace) or START).token()

    async def read(self, workspace: str, after: str | None, first: int) -> FeedPage:
        async with self._state.read(snapshot=True) as connection:
            place = START if after is None else await self._place(connection, workspace, after)
            found = await store.read_after(connection, workspace, place, first)
        customers = await self._customers.profiles(workspace, {published.change.customer for published in found})
        return FeedPage(
            items=[change_document(published.change, published.place.token()) for published in found],
            customers={customer.hex(): [profile.hex() for profile in known] for customer, known in customers.items()},
            next=(found[-1].place if found else place).token(),
        )

    async def _place(self, connection: AsyncConnection, workspace: str, after: str) -> ChangePlace:
        if not is_place(after):
            return ChangePlace.parse(after)
        place = Place.parse(after)
        logged_at = await self._log.logged_at(workspace, place)
        before = None if logged_at is None else await store.before(connection, workspace, place, logged_at)
        if before is None and logged_at is not None and logged_at < self._clock() - store.KEPT:
            raise store.too_old()
        return before or START
