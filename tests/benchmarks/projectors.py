"""What a second projector process adds: the same load for one, and for two that share the partitions."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import asyncpg
from pydantic import SecretStr

from infra.chassis.clock import system_clock
from infra.chassis.memory import settle
from services.events.intake.slots import Recorded
from services.events.projector.leases import lease_names
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from services.events.settings import Settings
from services.events.stores import Stores
from tests.benchmarks.histories import DAY, ROW, history
from tests.benchmarks.measuring import Bench, Figure, cpu_seconds, figure, interleaved, pid_of
from tests.benchmarks.projecting import WORKSPACE, Projecting, projecting

TITLE = "One projector process and two, PostgreSQL"
_CUSTOMERS, _EVENTS_EACH = 4_000, 10
_LEASES = len(lease_names([WORKSPACE]))
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 120

_SHARES = "SELECT count(*) FROM leases JOIN projectors USING (owner) GROUP BY owner"
_DONE = """
SELECT (SELECT sum(slots) FROM log) = (SELECT slots FROM cursors) AND NOT EXISTS (SELECT FROM dirty)
"""


class _Round(NamedTuple):
    events_a_second: float
    projectors_microseconds: float
    """CPU an event, of all projectors together."""
    postgresql_microseconds: float


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("projectors")
    async with projecting(bench.folder, url) as stages:
        await stages.leases.release()
        observer = await asyncpg.connect(url)
        sides = {count: f"{count} process{'es' * (count > 1)}" for count in (1, 2)}
        rounds = await interleaved(
            bench, {name: partial(_measure, bench, stages, observer, url, count) for count, name in sides.items()}
        )
        await observer.close()
    one, two = rounds[sides[1]], rounds[sides[2]]
    pairs = list(zip(two, one, strict=True))
    return [
        figure("events/s, two against one", "x", (more.events_a_second / less.events_a_second for more, less in pairs)),
        figure(
            "projectors' CPU an event, two against one",
            "x",
            (more.projectors_microseconds / less.projectors_microseconds for more, less in pairs),
        ),
        *(
            figure(f"{what}, {name}", unit, (getattr(each, field) for each in rounds[name]))
            for name in sides.values()
            for what, unit, field in (
                ("events/s", "1/s", "events_a_second"),
                ("projectors' CPU an event", "µs", "projectors_microseconds"),
                ("PostgreSQL's CPU an event", "µs", "postgresql_microseconds"),
            )
        ),
    ]


async def _measure(
    bench: Bench, stages: Projecting, observer: asyncpg.Connection, url: str, processes: int, number: int
) -> _Round:
    rows = _rows(f"{processes}.{number}", _CUSTOMERS)
    events = sum(map(len, rows))
    with _projectors(bench.folder, url, processes) as (pids, begin):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not _are_shared([row["count"] for row in await observer.fetch(_SHARES)], processes):
                await asyncio.sleep(_LOOK_SECONDS)
            begin.set()
            await stages.append(_rows(f"{processes}.{number} warm", _CUSTOMERS // 10))
            await _until_done(observer)
            before = cpu_seconds(*pids), cpu_seconds(pid_of(bench.postgresql))
            start = time.perf_counter()
            await stages.append(rows)
            await _until_done(observer)
            seconds = time.perf_counter() - start
            after = cpu_seconds(*pids), cpu_seconds(pid_of(bench.postgresql))
    used = [(then - now) / events * 1e6 for now, then in zip(before, after, strict=True)]
    return _Round(events / seconds, *used)


async def _until_done(observer: asyncpg.Connection) -> None:
    while not await observer.fetchval(_DONE):
        await asyncio.sleep(_LOOK_SECONDS)


def _are_shared(shares: list[int], processes: int) -> bool:
    return len(shares) == processes and sum(shares) == _LEASES


def _rows(batch: str, customers: int) -> list[list[Recorded]]:
    """The events of new customers in the order of time, as rows of the log."""
    histories = (history(f"{batch}.{number}", _EVENTS_EACH, DAY) for number in range(customers))
    events = sorted((event for one in histories for event in one), key=lambda event: event.occurred_at)
    return [events[start : start + ROW] for start in range(0, len(events), ROW)]


@contextmanager
def _projectors(folder: Path, url: str, processes: int) -> Iterator[tuple[list[int], Event]]:
    """Their pids, and what to set for them to begin: until then they only share the leases."""
    context = multiprocessing.get_context("spawn")
    begin, end = context.Event(), context.Event()
    running = [context.Process(target=_run, args=(folder, url, begin, end)) for _ in range(processes)]
    for process in running:
        process.start()
    try:
        yield [process.pid for process in running if process.pid is not None], begin
    finally:
        end.set()
        begin.set()
        for process in running:
            process.join()


def _run(folder: Path, url: str, begin: Event, end: Event) -> None:
    settle()
    asyncio.run(_project(folder, url, begin, end))


async def _project(folder: Path, url: str, begin: Event, end: Event) -> None:
    stores = Stores(Settings(data=folder, events_database_url=url, signing_key=SecretStr("x" * 32)))
    async with stores.opened():
        projector = Projector(stores.log, stores.state, system_clock, Wakeup())
        while not begin.is_set():
            await projector.renew()
            await asyncio.sleep(0.1)
        projecting = asyncio.create_task(projector.run())
        while not end.is_set():
            await asyncio.sleep(_LOOK_SECONDS)
        projecting.cancel()
        await asyncio.gather(projecting, return_exceptions=True)
