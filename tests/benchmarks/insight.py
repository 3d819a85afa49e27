"""Reading one insight, over many events and over a hundred times as many of the same days and kinds.

The events are folded without a database; what they say goes through the store of the counters as the projector would
put it there, and is settled.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from statistics import median
from typing import Any, NamedTuple

import httpx
from fastapi import FastAPI, Request

from services.events.insights import api, store
from services.events.insights.domain import Tally
from services.events.insights.queries import InsightQueries
from services.events.live.queries import InstanceQueries
from services.events.models import builds
from services.events.models.queries import Models
from services.events.projector.refold import refold
from services.events.timeline.entry import Entry
from tests.benchmarks.folding import EVENTS, NOW, builds_of, works_of
from tests.benchmarks.histories import DAY, history, journeys
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved
from tests.benchmarks.projecting import WORKSPACE, Projecting, projecting

TITLE = "Reading one insight"
_JOURNEY = "chairs"
_FEW, _MANY = 10_000, 1_000_000
_PORTION = 500
"""Customers whose contributions are stored at once."""
_READS = 10
_THE_SAME = at_most(1.2)
_ASKED: dict[str, dict[str, Any]] = {
    "all versions": {},
    "of one channel": {"where": {"channel": "web"}},
    "median gaps, too": {"medianGaps": True},
}


class _Round(NamedTuple):
    """Medians for one read."""

    milliseconds: float
    cpu_milliseconds: float
    """Of the service; on SQLite with the database."""


async def measure(bench: Bench) -> list[Figure]:
    figures = []
    for store_name in ("SQLite", "PostgreSQL"):
        async with AsyncExitStack() as stack:
            readers = {
                events: await stack.enter_async_context(_filled(bench, store_name, events)) for events in (_FEW, _MANY)
            }
            for what, asked in _ASKED.items():
                sides = {f"{events:,}": partial(_read, reader, asked) for events, reader in readers.items()}
                rounds = await interleaved(bench, sides)
                figures += _figures(f"{store_name}, {what}", rounds)
    return figures


def _figures(what: str, rounds: dict[str, list[_Round]]) -> list[Figure]:
    few, many = rounds.values()
    ratios = (one.cpu_milliseconds / other.cpu_milliseconds for one, other in zip(many, few, strict=True))
    return [
        figure(f"{what}: CPU at 1,000,000 against 10,000 events", "x", ratios, _THE_SAME),
        *(figure(f"{what}, {name} events", "ms", (one.milliseconds for one in rounds[name])) for name in rounds),
        *(
            figure(f"{what}, {name} events: CPU", "ms", (one.cpu_milliseconds for one in rounds[name]))
            for name in rounds
        ),
    ]


@asynccontextmanager
async def _filled(bench: Bench, store_name: str, events: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes that read insights, over counters of so many events."""
    url = bench.postgresql.create_database(f"insight_{events}") if store_name == "PostgreSQL" else None
    async with projecting(bench.folder / f"{store_name}-{events}", url) as stages:
        bench.say(f"{store_name}: counting {events:,} events")
        await _count(stages, events // EVENTS)
        models = Models(stages.state)
        app = FastAPI()
        app.include_router(
            api.router(InsightQueries(stages.state, models), InstanceQueries(stages.state), models, _workspace)
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
            yield client


async def _workspace(_request: Request) -> str:
    return WORKSPACE


async def _count(stages: Projecting, customers: int) -> None:
    async with stages.state.read() as connection:
        [build] = [one for one in await builds.active(connection, WORKSPACE) if one.journey == _JOURNEY]
    for start in range(0, customers, _PORTION):
        tally = _tally(build.number, range(start, min(start + _PORTION, customers)))
        async with stages.state.write() as connection:
            await store.apply(connection, WORKSPACE, tally)
    await stages.settle_all()


@cache
def _tally(build: int, numbers: range) -> Tally:
    """What some customers contribute; made once for both stores."""
    histories = {f"customer-{number}": _history(f"customer-{number}") for number in numbers}
    [built] = builds_of([one for one in journeys() if one["key"] == _JOURNEY]).values()
    builds = {build: built}
    tally = Tally()
    for work in works_of(histories, builds):
        refold(work, builds, tally, b"s" * 16, NOW)
    return tally


def _history(customer: str) -> list[Entry]:
    return [Entry.of(1, slot, event) for slot, event in enumerate(history(customer, EVENTS, DAY))]


async def _read(client: httpx.AsyncClient, asked: dict[str, Any], _number: int) -> _Round:
    spent, used = [], []
    for _ in range(_READS):
        start, cpu = time.perf_counter(), time.process_time()
        response = await client.post("/internal/insights/read", json={"journeys": [_JOURNEY], **asked})
        spent.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
        assert response.json()["insights"][0]["answeredBy"] == "counters"
    return _Round(median(spent) * 1e3, median(used) * 1e3)
