"""All channels of a process: one for each feed of a workspace, and one for the insights of a journey."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from gateway.clients.answers import read
from gateway.clients.customers import SERVICE, IdentifierKey, View
from gateway.clients.events import EventsClient, Insights, InsightsReading
from gateway.clients.feeds import Change, EventTold, FeedPage, OwnChange, OwnEvent, OwnPage
from gateway.loaders import Loaders
from gateway.streams.channel import Arrived, Channel, Source
from gateway.streams.feed import FeedName, LiveFeeds
from gateway.streams.insights import InsightsFeed
from gateway.streams.news import Batch, News, Workshop
from gateway.streams.own import Bells, OwnFeed
from gateway.streams.session import Session
from gateway.streams.subscriber import Interest, Patience
from infra.chassis.errors import Unavailable
from infra.chassis.notices import Bell

F = TypeVar("F", bound=Change | EventTold)


class Newsroom:
    """Of one workspace. `new_loaders` and `new_client` are good for a short while each."""

    def __init__(
        self,
        workspace: str,
        feeds: LiveFeeds,
        new_client: Callable[[], EventsClient],
        new_loaders: Callable[[], Loaders],
        patience: Patience,
    ) -> None:
        self._workspace = workspace
        self._feeds = feeds
        self._new_client = new_client
        self._new_loaders = new_loaders
        self._patience = patience
        self._bell = Bell()
        self._own_bells = Bells()
        self.changes = Channel(self._feed("changes", Change), patience, lambda _arrived: self._bell.ring())
        self.events = Channel(self._feed("events", EventTold), patience, self._ring, self._own_bells.ring_all)
        self._insights: WeakValueDictionary[tuple[str, InsightsReading], Channel[Insights]] = WeakValueDictionary()

    def own(self, customer: IdentifierKey, feed: FeedName, item: type[F]) -> OwnFeed[F]:
        """What the customer whom an identifier names is told of themself; to be heard while `events` is opened."""

        async def read_on(after: str | None) -> OwnPage[F]:
            return await self._new_client().own_feed(feed, item, customer, after)

        return OwnFeed(self._own_bells, View(disclose_to=customer), read_on, self._new_loaders)

    def insights(self, journey: str, reading: InsightsReading) -> Channel[Insights]:
        channel = self._insights.get((journey, reading))
        if channel is None:
            feed = InsightsFeed(self, journey, reading, self._new_client, self._new_loaders)
            channel = self._insights[journey, reading] = Channel(feed.source(), self._patience)
        return channel

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Bell]:
        """A bell that rings, meanwhile, when anything has happened."""
        async with self.changes.opened(), self.events.opened():
            yield self._bell

    def stop(self) -> None:
        """Ends all subscriptions, because this process is about to stop."""
        stopping = Unavailable("The gateway is stopping; subscribe again.", code="GOING_AWAY")
        self.changes.stop(stopping)
        self.events.stop(stopping)
        self._own_bells.stop(stopping)
        for channel in self._insights.values():
            channel.stop(stopping)

    def _ring(self, arrived: Arrived[EventTold]) -> None:
        self._bell.ring()
        for news in arrived.news:
            self._own_bells.ring(news.item.names)

    def _feed(self, feed: FeedName, item: type[F]) -> Source[F]:
        workshop = Workshop()
        page_shape = FeedPage[item]  # type: ignore[valid-type]

        def arrived(page: FeedPage[F]) -> Arrived[F]:
            batch = Batch(page.items, self._new_loaders, workshop)
            news = [News(one, one.position, page.customers.get(one.customer_id, ()), batch) for one in page.items]
            return Arrived(news, page.next)

        async def follow(after: str | None) -> AsyncGenerator[Arrived[F], None]:
            async with aclosing(self._feeds.follow(feed, self._workspace, after)) as pages:
                async for line in pages:
                    yield arrived(read(msgspec.json.decode(line), page_shape, SERVICE))

        async def read_on(after: str) -> Arrived[F]:
            return arrived(await self._new_client().feed(feed, item, after))

        return Source(follow, read_on, workshop.close)


class Live:
    """What one session listens to: with a customer token, nothing but what may be told to its customer."""

    def __init__(self, newsroom: Newsroom, session: Session, client: EventsClient) -> None:
        self._newsroom = newsroom
        self._session = session
        self._client = client

    def changes(
        self, wants: Callable[[Change], bool], identifier: IdentifierKey | None, after: str | None
    ) -> AsyncGenerator[list[News[Change]], None]:
        if self._session.principal.customer is not None:
            own: OwnFeed[Change] = self._newsroom.own(self._session.principal.customer, "changes", OwnChange)
            return self._of_oneself(own, wants, after)
        return self._of_customer(self._newsroom.changes, wants, identifier, after)

    def events(
        self, wants: Callable[[EventTold], bool], identifier: IdentifierKey | None, after: str | None
    ) -> AsyncGenerator[list[News[EventTold]], None]:
        if self._session.principal.customer is not None:
            own: OwnFeed[EventTold] = self._newsroom.own(self._session.principal.customer, "events", OwnEvent)
            return self._of_oneself(own, wants, after)
        return self._of_customer(self._newsroom.events, wants, identifier, after)

    def insights(self, journey: str, reading: InsightsReading) -> AsyncGenerator[list[News[Insights]], None]:
        async def learn() -> Interest[Insights]:
            return Interest()

        return self._newsroom.insights(journey, reading).news(learn, None, self._session.attached)

    async def _of_oneself(
        self, feed: OwnFeed[F], wants: Callable[[F], bool], after: str | None
    ) -> AsyncGenerator[list[News[F]], None]:
        async with (
            self._newsroom.events.opened(),
            aclosing(feed.news(wants, after, self._session.attached)) as found,
        ):
            async for some in found:
                yield some

    def _of_customer(
        self, channel: Channel[F], wants: Callable[[F], bool], identifier: IdentifierKey | None, after: str | None
    ) -> AsyncGenerator[list[News[F]], None]:
        async def learn() -> Interest[F]:
            return Interest(wants, None if identifier is None else frozenset(await self._client.profiles(identifier)))

        return channel.news(learn, after, self._session.attached)
