"""A feed that a test lets grow, as a source of news: its items are numbers, from 1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, nullcontext

from gateway.loaders import Loaders
from gateway.streams.channel import Arrived, Channel, Source
from gateway.streams.news import Batch, News, Workshop
from gateway.streams.subscriber import Interest, Patience, Subscriber
from infra.chassis.errors import Problem

ROOMY = Patience(queue=256, room_seconds=5, seconds=5)


def position(number: int) -> str:
    return f"{number:06}"


def attach(_subscriber: Subscriber[int]) -> AbstractContextManager[None]:
    return nullcontext()


class Record:
    """Its pages are of three items. Each item is about the customer whom its last digit names."""

    def __init__(self, patience: Patience = ROOMY) -> None:
        self.last = 0
        self.opened: list[str | None] = []
        """Where it was followed from, time after time."""
        self.following = 0
        self.failure: Problem | None = None
        """Raised to whoever follows, as long as it is there."""
        self._workshop = Workshop()
        self.gaps = 0
        source = Source(self._follow, self._read, self._workshop.close)
        self.channel = Channel(source, patience, on_gap=self._count_gap)
        self._grown = asyncio.Event()

    def add(self, count: int) -> None:
        self.last += count
        self._stir()

    def fail(self, failure: Problem | None) -> None:
        self.failure = failure
        self._stir()

    async def numbers(
        self, after: int | None = None, interest: Interest[int] | None = None
    ) -> AsyncGenerator[int, None]:
        """What a subscriber is told."""
        start = None if after is None else position(after)

        async def learn() -> Interest[int]:
            return interest or Interest()

        async with aclosing(self.channel.news(learn, start, attach)) as found:
            async for some in found:
                for news in some:
                    yield news.item

    def _count_gap(self) -> None:
        self.gaps += 1

    def _stir(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def _follow(self, after: str | None) -> AsyncGenerator[Arrived[int], None]:
        self.opened.append(after)
        self.following += 1
        try:
            if self.failure is not None:
                raise self.failure
            at = self.last if after is None else int(after)
            yield Arrived((), position(at))
            while True:
                grown = self._grown
                if self.failure is not None:
                    raise self.failure
                page = self._page(at)
                if page.news:
                    at = int(page.next)
                    yield page
                else:
                    await grown.wait()
        finally:
            self.following -= 1

    async def _read(self, after: str) -> Arrived[int]:
        await asyncio.sleep(0)
        return self._page(int(after))

    def _page(self, after: int) -> Arrived[int]:
        numbers = range(after + 1, min(after + 3, self.last) + 1)
        batch = Batch(numbers, _no_loaders, self._workshop)
        news = [News(number, position(number), [f"customer {number % 10}"], batch) for number in numbers]
        return Arrived(news, position(numbers[-1] if numbers else after))


def _no_loaders() -> Loaders:
    raise NotImplementedError
