"""From acknowledged to visible: single events at a steady 300 a second."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import asyncpg

from services.events.intake.position import Place
from tests.benchmarks.load import Connection, encode_requests
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved
from tests.benchmarks.workload import journey, sessions
from tests.support.platform import Platform, four_processes, one_process

TITLE = "Acknowledged to visible at 300 events/s"
_EVENTS_A_SECOND = 300
_SECONDS = 6
_CONNECTIONS = 8
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 30
_TARGET_MILLISECONDS = 250

# How far everything is visible: the cursor, or just before the first mark that is left.
_FRONTIER = """
SELECT xid, seq, (SELECT xid FROM dirty ORDER BY xid, seq LIMIT 1), (SELECT seq FROM dirty ORDER BY xid, seq LIMIT 1)
FROM cursors WHERE workspace = 'default'
"""
Look = Callable[[], Awaitable[tuple[int, int, int | None, int | None] | None]]


class _Round(NamedTuple):
    median: float
    """Milliseconds."""
    slowest_hundredth: float


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("visible")
    with ExitStack() as stack:
        (bench.folder / "four").mkdir()
        (bench.folder / "one").mkdir()
        four = stack.enter_context(four_processes(bench.folder / "four", url))
        one = stack.enter_context(one_process(bench.folder / "one"))
        for platform in (four, one):
            platform.publish(journey("chairs"))
        observer = await asyncpg.connect(url)
        state = stack.enter_context(closing(_open(one.data / "state.db")))

        async def look_at_postgresql() -> tuple[int, int, int | None, int | None] | None:
            row = await observer.fetchrow(_FRONTIER)
            return tuple(row) if row else None

        async def look_at_sqlite() -> tuple[int, int, int | None, int | None] | None:
            row: tuple[int, int, int | None, int | None] | None = state.execute(_FRONTIER).fetchone()
            return row

        rounds = await interleaved(
            bench,
            {
                "four processes on PostgreSQL": lambda number: _measure(four, look_at_postgresql, number),
                "one process on SQLite": lambda number: _measure(one, look_at_sqlite, number),
            },
        )
        await observer.close()
    figures = []
    for name, results in rounds.items():
        target = at_most(_TARGET_MILLISECONDS)
        figures += [
            figure(f"p50, {name}", "ms", (one.median for one in results)),
            figure(f"p99, {name}", "ms", (one.slowest_hundredth for one in results), target),
        ]
    return figures


async def _measure(platform: Platform, look: Look, number: int) -> _Round:
    count = _EVENTS_A_SECOND * _SECONDS
    bodies = [call.body for call in sessions(count // 5, seed=number)][:count]
    requests = encode_requests(platform.intake_url, "/v1/track", platform.credentials["writeKey"], bodies)
    acknowledged: list[tuple[Place, float]] = []
    sending = asyncio.create_task(send_steadily(platform.intake_url, requests, _EVENTS_A_SECOND, acknowledged))
    waits: list[float] = []
    async with asyncio.timeout(_PATIENCE_SECONDS + _SECONDS):
        while not (sending.done() and not acknowledged):
            await asyncio.sleep(_LOOK_SECONDS)
            waits += take_visible(acknowledged, await look())
    await sending
    return _Round(*(quantiles(waits, n=100)[index] * 1_000 for index in (49, 98)))


def take_visible(acknowledged: list[tuple[Place, float]], frontier: Sequence[Any] | None) -> list[float]:
    """How long each acknowledged event that is visible now has waited; they are taken from the list."""
    if frontier is None:
        return []
    now = time.perf_counter()
    cursor, first = Place(*frontier[:2]), None if frontier[2] is None else Place(frontier[2], frontier[3] or 0)
    visible = [one for one in acknowledged if one[0] <= cursor and (first is None or one[0] < first)]
    for one in visible:
        acknowledged.remove(one)
    return [now - at for _place, at in visible]


async def send_steadily(
    address: str, requests: Sequence[bytes], events_a_second: int, acknowledged: list[tuple[Place, float]]
) -> None:
    """Each connection sends its share at its own steady pace. `acknowledged` is told where each stands, and when."""
    start = time.perf_counter()

    async def share(offset: int) -> None:
        connection = await Connection.open(address)
        for index in range(offset, len(requests), _CONNECTIONS):
            await asyncio.sleep(max(start + index / events_a_second - time.perf_counter(), 0))
            answer = await connection.ask(requests[index])
            acknowledged.append((answer.place, time.perf_counter()))
        connection.close()

    await asyncio.gather(*map(share, range(_CONNECTIONS)))


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
