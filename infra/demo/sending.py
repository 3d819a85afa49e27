"""Calls on their way: history in large batches, the present as it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import NamedTuple, Protocol

from infra.chassis.clock import Clock, to_rfc3339
from infra.chassis.errors import Unavailable
from infra.demo.maps import Json
from infra.demo.shop import Source
from infra.demo.telling import Call

Sleep = Callable[[float], Awaitable[None]]
_MOST_CALLS = 2_500
_SECOND = 1_000_000
_TICK_SECONDS = 0.2


class Sent(NamedTuple):
    calls: int
    refused: int


class FrontDoor(Protocol):
    """Where calls go; both say how many are refused, and raise Problem."""

    async def load(self, source: str, calls: Sequence[Json]) -> int: ...

    async def record(self, key: str, calls: Sequence[Json]) -> int: ...


async def load_history(door: FrontDoor, calls: Iterable[Call], began: int, told: Callable[[Sent], None]) -> None:
    """Loads what happened before `began` (microseconds since 1970). Raises Problem."""
    coming = iter(calls)
    while window := list(islice(coming, _MOST_CALLS)):
        for source, bodies in _by_source(window, began, speed=1):
            told(Sent(len(bodies), await door.load(source, bodies)))


class Present:
    """Makes calls when they are due, in a time that passes `speed` times as fast as ours."""

    def __init__(
        self, door: FrontDoor, keys: Mapping[Source, str], began: int, speed: float, clock: Clock, sleep: Sleep
    ) -> None:
        self._door = door
        self._keys = keys
        self._began = began
        self._speed = speed
        self._clock = clock
        self._sleep = sleep

    @property
    def elapsed(self) -> float:
        """Seconds that have passed in the shop since the demo began."""
        return (self._clock() - self._began) / _SECOND * self._speed

    async def play(self, calls: Iterator[Call], told: Callable[[Sent], None]) -> None:
        """Goes on for as long as there are calls. Raises Problem, but waits while the platform is away."""
        due: list[Call] = []
        for call in calls:
            while call.at > self.elapsed:
                await self._make(due, told)
                due = []
                await self._sleep(_TICK_SECONDS)
            due.append(call)
            if len(due) == _MOST_CALLS:
                await self._make(due, told)
                due = []
        await self._make(due, told)

    async def _make(self, due: list[Call], told: Callable[[Sent], None]) -> None:
        for source, bodies in _by_source(due, self._began, self._speed):
            told(Sent(len(bodies), await self._record(source, bodies)))

    async def _record(self, source: Source, bodies: list[Json]) -> int:
        while True:
            try:
                return await self._door.record(self._keys[source], bodies)
            except Unavailable as problem:  # calls carry message ids, so it does no harm to make them twice
                await self._sleep(problem.retry_after)


def _by_source(calls: list[Call], began: int, speed: float) -> Iterator[tuple[Source, list[Json]]]:
    """As they go over the wire, with the moments at which they happen for the platform."""
    for source, some in groupby(sorted(calls, key=lambda call: call.source), key=lambda call: call.source):
        yield source, [{**call.body, "timestamp": to_rfc3339(began + int(call.at / speed * _SECOND))} for call in some]
