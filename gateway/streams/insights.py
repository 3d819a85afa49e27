"""The insights of a journey as a feed of their own: whenever they differ from what was told last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.clients.events import EventsClient, Insights, InsightsReading
from gateway.loaders import Loaders
from gateway.streams.channel import Arrived, Source
from gateway.streams.news import Batch, News, Workshop
from infra.chassis.errors import NotFound
from infra.chassis.notices import Bell, heard

_PAUSE_SECONDS = 1.0  # promised: at most one a second
_LOOK_SECONDS = 10.0  # that a version has taken the place of another one rings no bell


class Happenings(Protocol):
    def listening(self) -> AbstractAsyncContextManager[Bell]:
        """A bell that rings, meanwhile, when anything has happened in the workspace."""


class InsightsFeed:
    """Read once for all who ask for the same, and only when something has happened."""

    def __init__(
        self,
        happenings: Happenings,
        journey: str,
        reading: InsightsReading,
        new_client: Callable[[], EventsClient],
        new_loaders: Callable[[], Loaders],
    ) -> None:
        self._happenings = happenings
        self._journey = journey
        self._reading = reading
        self._new_client = new_client
        self._new_loaders = new_loaders
        self._workshop = Workshop()
        self._told: Insights | None = None
        self._number = 0

    def source(self) -> Source[Insights]:
        return Source(self._follow, self._read_on, self._close)

    async def _follow(self, after: str | None) -> AsyncGenerator[Arrived[Insights], None]:
        async with self._happenings.listening() as bell:
            rung = bell.next()
            if after is None:
                self._told = await self._read()
            else:
                bell.ring()  # something may have happened while nobody could hear of it
            yield Arrived((), self._position())
            while True:
                await heard(rung, _LOOK_SECONDS)
                rung = bell.next()
                found = await self._read()
                if found != self._told:
                    self._told = found
                    self._number += 1
                    batch = Batch([found], self._new_loaders, self._workshop)
                    yield Arrived([News(found, self._position(), (), batch)], self._position())
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self) -> Insights:
        [found] = await self._new_client().insights([self._journey], self._reading)
        if found is None:
            raise NotFound(f"There is no published journey {self._journey!r}.")
        return found

    async def _read_on(self, _after: str) -> Arrived[Insights]:
        """Nobody who comes is told of what was before."""
        return Arrived((), self._position())

    async def _close(self) -> None:
        await self._workshop.close()

    def _position(self) -> str:
        return f"{self._number:020}"
