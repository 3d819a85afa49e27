"""The queue of one subscriber."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.streams.news import News
from infra.chassis.errors import Problem

T = TypeVar("T")


AT_ONCE = 16
"""How much a subscriber takes together, so that what its answers need is read together."""


class TooSlow(Problem):
    """It did not take what waited for it."""

    status = 429
    default_code = "TOO_SLOW"


class Endable(Protocol):
    """Somebody who is told something, and can be told that this is the end."""

    def end(self, problem: Problem) -> None: ...


@dataclass(frozen=True, slots=True)
class Interest(Generic[T]):
    """What a subscriber wants to be told of."""

    wants: Callable[[T], bool] = lambda _item: True
    ids: frozenset[str] | None = None
    """Of the one customer whom it is about; None for all."""


@dataclass(frozen=True, slots=True)
class Patience:
    """With subscribers who do not take what waits for them."""

    queue: int = 256
    """How much may wait for each."""
    room_seconds: float = 0.25
    """For how long news wait until a few of them have room again."""
    seconds: float = 5.0
    """After that they are told that they are too slow."""


class Subscriber(Generic[T]):
    """Takes news until its queue is full; then it has fallen behind, and nothing is added any more."""

    def __init__(self, interest: Interest[T], since: str, patience: Patience) -> None:
        self.interest = interest
        self.since = since
        """Whatever comes behind this position is offered."""
        self.live = False
        """Whether the queue is being emptied. Whoever reads up on the past first may fall behind without harm."""
        self.fell_behind = False
        self._crowded_since: float | None = None
        self._patience = patience
        self._waiting: deque[News[T]] = deque()
        self._stirred = asyncio.Event()
        self._end: Problem | None = None
        self._timer: asyncio.TimerHandle | None = None

    def crowded_for(self, count: int, now: float) -> float | None:
        """For how many seconds there has been no room for so much more; None if there is, or need not be."""
        is_told = self.live and not self.fell_behind and self._end is None
        if not is_told or len(self._waiting) + count <= self._patience.queue:
            self._crowded_since = None
            return None
        if self._crowded_since is None:
            self._crowded_since = now
        return now - self._crowded_since

    def offer(self, news: News[T]) -> None:
        if self.fell_behind or self._end is not None or not self.interest.wants(news.item):
            return
        if len(self._waiting) < self._patience.queue:
            self._waiting.append(news)
            self._stirred.set()
        else:
            self.fall_behind()

    def fall_behind(self) -> None:
        self.fell_behind = True
        self._stirred.set()
        if self.live:
            self._hurry()

    def end(self, problem: Problem) -> None:
        """What waits is dropped; whoever takes the next one gets the problem."""
        self._waiting.clear()
        self._end = problem
        self._stirred.set()

    def check(self) -> None:
        """Raises the problem with which it was ended."""
        if self._end is not None:
            raise self._end

    async def taken(self) -> AsyncGenerator[list[News[T]], None]:
        """What is offered, until it has fallen behind and everything was taken. Raises as `check` does."""
        self.live = True
        if self.fell_behind:
            self._hurry()
        while True:
            while self._waiting:
                yield [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self.check()
            if self.fell_behind:
                return
            self._stirred.clear()
            await self._stirred.wait()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _hurry(self) -> None:
        message = (
            f"{self._patience.queue} messages waited for longer than {self._patience.seconds:g} s; subscribe again."
        )
        self._timer = asyncio.get_running_loop().call_later(self._patience.seconds, self.end, TooSlow(message))
