"""What one event costs in histories of different lengths, in order and late: the fold's steps with their database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from statistics import median
from typing import NamedTuple

from services.events.intake.slots import Recorded
from tests.benchmarks.histories import DAY, event, history
from tests.benchmarks.measuring import Bench, Figure, at_most, cpu_seconds, figure, interleaved, pid_of
from tests.benchmarks.projecting import WORKSPACE, Projecting, projecting

TITLE = "One event in a long history"
_LENGTHS = (100, 10_000, 100_000)
_OTHERS, _EVENTS_OF_OTHERS = 500, 20
_EVENTS, _FEW_EVENTS = 24, 2
"""That are measured in each round, one after the other."""
_APART = DAY // 6
_ROW, _AT_ONCE = 50, 2_000
_NEAR_ONE = at_most(1.25)
_MOST_FOLDED = at_most(512)
_LATE, _COMPLETING = "Home Visited", "Rating Given"
"""An event like most, and one that completes a run: from then on there is a completed run more, until the end."""


class _Round(NamedTuple):
    """Medians for one event."""

    milliseconds: float
    """The projector's CPU; on SQLite with the database."""
    postgresql_milliseconds: float
    folded: float
    most_folded: float


class _Customers:
    """One customer for each length of history, among others, all of them in one database."""

    def __init__(self, stages: Projecting, postgresql: int | None) -> None:
        self._stages = stages
        self._postgresql = postgresql
        self._histories: dict[int, list[Recorded]] = {}
        self._ends: dict[int, int] = {}

    async def fill(self, bench: Bench) -> None:
        others = [history(f"other-{number}", _EVENTS_OF_OTHERS, DAY) for number in range(_OTHERS)]
        arrived = sorted((one for events in others for one in events), key=lambda one: one.occurred_at)
        await self._take(arrived)
        for length in _LENGTHS:
            bench.say(f"a history of {length:,}")
            self._histories[length] = history(f"customer-{length}", length, _APART)
            self._ends[length] = self._histories[length][-1].occurred_at
            for start in range(0, length, _AT_ONCE):
                await self._take(self._histories[length][start : start + _AT_ONCE])
        await self._stages.settle_all()

    async def _take(self, events: list[Recorded]) -> None:
        await self._stages.append([events[start : start + _ROW] for start in range(0, len(events), _ROW)])
        await self._stages.identify_all()
        await self._stages.fold_all()

    async def in_order(self, length: int) -> _Round:
        return await self._measured([self._next(length) for _ in range(_EVENTS)])

    async def late(self, length: int, number: int, name: str) -> _Round:
        """At random places, but for the first and the last tenth."""
        random = Random(f"{number} {name}")
        tenth = length // 10
        count = _FEW_EVENTS if name == _COMPLETING else _EVENTS
        places = [random.randrange(tenth, length - tenth) for _ in range(count)]
        moments = [self._histories[length][place].occurred_at + 1 for place in places]
        return await self._measured([event(f"customer-{length}", name, moment, "0", number) for moment in moments])

    def _next(self, length: int) -> Recorded:
        self._ends[length] += _APART
        return event(f"customer-{length}", _LATE, self._ends[length], "0")

    async def _measured(self, events: list[Recorded]) -> _Round:
        """Each is appended and identified, which is not measured, then folded."""
        lanes = self._stages.lanes
        spent, folded, postgresql = [], [], 0.0
        for one in events:
            await self._stages.append([[one]])
            await self._stages.identify_all()
            events_before, before = lanes.events, self._postgresql_seconds()
            start = time.process_time()
            while await self._stages.fold.step(WORKSPACE) or await self._stages.slow.step():
                pass
            spent.append(time.process_time() - start)
            folded.append(lanes.events - events_before)
            postgresql += self._postgresql_seconds() - before
        return _Round(median(spent) * 1e3, postgresql / len(events) * 1e3, median(folded), max(folded))

    def _postgresql_seconds(self) -> float:
        return 0.0 if self._postgresql is None else cpu_seconds(self._postgresql)


async def measure(bench: Bench) -> list[Figure]:
    figures = []
    for store in ("SQLite", "PostgreSQL"):
        async with _customers(bench, store) as customers:
            for length in _LENGTHS:  # warm
                await customers.in_order(length)
            figures += await _measure(bench, store, customers)
    return figures


@asynccontextmanager
async def _customers(bench: Bench, store: str) -> AsyncIterator[_Customers]:
    url = bench.postgresql.create_database("history") if store == "PostgreSQL" else None
    # Without a cache: whether the events around a late one are held has nothing to do with how many there are.
    async with projecting(bench.folder / store, url, cached_bytes=0) as stages:
        customers = _Customers(stages, None if url is None else pid_of(bench.postgresql))
        await customers.fill(bench)
        yield customers


async def _measure(bench: Bench, store: str, customers: _Customers) -> list[Figure]:
    async def in_order(length: int, _number: int) -> _Round:
        return await customers.in_order(length)

    async def late(length: int, number: int) -> _Round:
        return await customers.late(length, number, _LATE)

    async def completing(length: int, number: int) -> _Round:
        return await customers.late(length, number, _COMPLETING)

    figures: list[Figure] = []
    for way, measured in {"in order": in_order, "late": late}.items():
        rounds = await interleaved(bench, {f"{length:,}": partial(measured, length) for length in _LENGTHS})
        middle, long = (rounds[f"{length:,}"] for length in _LENGTHS[1:])
        ratios = (one.milliseconds / other.milliseconds for one, other in zip(long, middle, strict=True))
        figures.append(figure(f"{store}, {way}: CPU at 100,000 against 10,000 events", "x", ratios, _NEAR_ONE))
        figures.append(
            figure(f"{store}, {way}: most events folded", "", (one.most_folded for one in long), _MOST_FOLDED)
        )
        figures += _figures(f"{store}, {way}", rounds)
    rounds = await interleaved(bench, {f"{length:,}": partial(completing, length) for length in _LENGTHS[:-1]})
    return figures + _figures(f"{store}, late and completing a run", rounds)


def _figures(what: str, rounds: dict[str, list[_Round]]) -> list[Figure]:
    figures = []
    for length, measured in rounds.items():
        figures += [
            figure(f"{what}, {length}: CPU", "ms", (one.milliseconds for one in measured)),
            figure(f"{what}, {length}: PostgreSQL's CPU", "ms", (one.postgresql_milliseconds for one in measured)),
            figure(f"{what}, {length}: events folded", "", (one.folded for one in measured)),
        ]
    return [one for one in figures if any(one.rounds)]
