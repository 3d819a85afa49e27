"""One feed of one workspace, told to all its subscribers, from any position on without a gap or a repeat.

It is followed while somebody listens. A subscriber first reads up from its own position to where the channel stood when
it joined, and then takes what was put into its queue since. One that falls behind leaves and starts like this again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, contextmanager
from typing import Generic, NamedTuple, TypeVar

from gateway.streams.news import News
from gateway.streams.subscriber import AT_ONCE, Interest, Patience, Subscriber
from infra.chassis import request_ids
from infra.chassis.errors import Problem, Unavailable

T = TypeVar("T")

_log = logging.getLogger(__name__)
_TOLD_AT_ONCE = 32
_LOOK_SECONDS = 0.01
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 1.0


class Arrived(NamedTuple, Generic[T]):
    """Some consecutive news, and the position behind them. Positions sort as texts."""

    news: Sequence[News[T]]
    next: str


class Source(NamedTuple, Generic[T]):
    """Where news come from. Both raise Unavailable, and Problems about the position."""

    follow: Callable[[str | None], AsyncGenerator[Arrived[T], None]]
    """News behind a position, or (None) from now on; the first ones, or none, come at once."""
    read: Callable[[str], Awaitable[Arrived[T]]]
    """The next news that there are behind a position."""
    close: Callable[[], Awaitable[None]]
    """Called when nobody listens any more."""


Attach = Callable[[Subscriber[T]], AbstractContextManager[None]]
"""Holds a subscriber for as long as it may be told anything."""


OnArrival = Callable[[Arrived[T]], None]


def _ignore(_arrived: Arrived[T]) -> None:
    pass


def _do_nothing() -> None:
    pass


class Channel(Generic[T]):
    def __init__(
        self,
        source: Source[T],
        patience: Patience,
        on_arrival: OnArrival[T] = _ignore,
        on_gap: Callable[[], None] = _do_nothing,
    ) -> None:
        """`on_arrival` is called with all that comes, `on_gap` when some of it may have been missed."""
        self._source = source
        self._patience = patience
        self._on_arrival = on_arrival
        self._on_gap = on_gap
        self._listeners = 0
        self._following: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[str]
        self._position = ""  # before everything
        self._resumes = False
        self._stopped: Problem | None = None
        self._subscribers: set[Subscriber[T]] = set()
        self._by_id: defaultdict[str | None, set[Subscriber[T]]] = defaultdict(set)

    async def news(
        self, learn: Callable[[], Awaitable[Interest[T]]], after: str | None, attach: Attach[T]
    ) -> AsyncGenerator[list[News[T]], None]:
        """What there is of interest behind a position, or (None) from now on: a few at once, if there are.

        What happens while the interest is learned is told, too. Ends by a Problem alone.
        """
        async with self.opened() as present:
            interest = await learn()
            position, is_resumed = (present, False) if after is None else (after, True)
            while True:
                with self._joined(interest, attach) as subscriber:
                    while is_resumed or position < subscriber.since:
                        past = await self._source.read(position)
                        wanted = [news for news in past.news if _concerns(interest, news)]
                        for start in range(0, len(wanted), AT_ONCE):
                            subscriber.check()
                            yield wanted[start : start + AT_ONCE]
                        subscriber.check()
                        is_resumed, before, position = False, position, past.next
                        if position == before:  # there is nothing left before what will be offered
                            break
                    async with aclosing(subscriber.taken()) as taken:
                        async for some in taken:
                            if fresh := [news for news in some if news.position > position]:
                                position = fresh[-1].position
                                yield fresh

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """Meanwhile the source is followed; gives the present position. Raises what keeps it from being followed."""
        self._listeners += 1
        try:
            if self._following is None or self._following.done():
                self._resumes = False
                self._opened = asyncio.get_running_loop().create_future()
                following = self._follow(self._opened)
                self._following = asyncio.create_task(following, name="channel", context=request_ids.outliving())
            yield self._position if self._opened.done() else await asyncio.shield(self._opened)
        finally:
            self._listeners -= 1
            if not self._listeners:
                await self._close()

    def stop(self, problem: Problem) -> None:
        """Ends all subscribers, and whoever comes later."""
        self._stopped = problem
        self._end(problem)

    def _end(self, problem: Problem) -> None:
        for subscriber in self._subscribers:
            subscriber.end(problem)

    @contextmanager
    def _joined(self, interest: Interest[T], attach: Attach[T]) -> Iterator[Subscriber[T]]:
        subscriber = Subscriber(interest, self._position, self._patience)
        ids: Iterable[str | None] = [None] if interest.ids is None else interest.ids
        with attach(subscriber):
            self._subscribers.add(subscriber)
            for id in ids:
                self._by_id[id].add(subscriber)
            if self._stopped is not None:
                subscriber.end(self._stopped)
            try:
                yield subscriber
            finally:
                subscriber.close()
                self._subscribers.discard(subscriber)
                for id in ids:
                    self._by_id[id].discard(subscriber)
                    if not self._by_id[id]:
                        del self._by_id[id]

    async def _follow(self, opened: asyncio.Future[str]) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with aclosing(self._source.follow(self._position if self._resumes else None)) as pages:
                    async for arrived in pages:
                        await self._tell(arrived)
                        pause = _FIRST_PAUSE_SECONDS
                        if not opened.done():
                            opened.set_result(self._position)
            except Exception as error:
                problem = _problem_of(error)
                if not opened.done():
                    opened.set_exception(problem)
                    opened.exception()  # perhaps whoever waited has gone
                    return
                if not isinstance(problem, Unavailable):
                    self._end(problem)
                    self._resumes = False  # who listens without being a subscriber goes on from the end
                    self._on_gap()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _tell(self, arrived: Arrived[T]) -> None:
        self._on_arrival(arrived)
        size = min(_TOLD_AT_ONCE, self._patience.queue)
        for start in range(0, len(arrived.news), size):
            some = arrived.news[start : start + size]
            await self._make_room(len(some))
            for news in some:
                for subscriber in self._concerned(news):
                    subscriber.offer(news)
                # Whoever joins from now on reads it for himself.
                self._position, self._resumes = news.position, True
            await asyncio.sleep(0)
        self._position, self._resumes = arrived.next, True

    def _concerned(self, news: News[T]) -> Iterable[Subscriber[T]]:
        found = set(self._by_id.get(None, ()))
        for id in news.ids:
            found |= self._by_id.get(id, set())
        return found

    async def _make_room(self, count: int) -> None:
        """Waits for subscribers whose queues are full, but never long for a few of them.

        If most have no room, it is this process that is slow, and there is no sense in adding to its work.
        """
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            waits = {one: seconds for one in self._subscribers if (seconds := one.crowded_for(count, now)) is not None}
            if not waits:
                return
            few = len(waits) * 2 <= len(self._subscribers)
            for subscriber, seconds in waits.items():
                if seconds >= (self._patience.room_seconds if few else self._patience.seconds):
                    subscriber.fall_behind()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _close(self) -> None:
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
        if not self._listeners:
            await self._source.close()


def _concerns(interest: Interest[T], news: News[T]) -> bool:
    return (interest.ids is None or not interest.ids.isdisjoint(news.ids)) and interest.wants(news.item)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    _log.error("a feed failed", extra={"error": type(error).__qualname__}, exc_info=error)
    return Problem("Something went wrong on our side; it has been logged.")
