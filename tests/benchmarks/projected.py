"""Sustained projection: from the first event sent until the last one is visible, against COPY of the same events."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import NamedTuple

import asyncpg

from services.events.intake.position import Place
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_least, cpu_seconds, figure, interleaved, pid_of
from tests.benchmarks.raw_table import raw_table
from tests.benchmarks.workload import Call, batches, journey, sessions
from tests.support.platform import Platform, four_processes

TITLE = "Sustained projection, four processes on PostgreSQL"
_CUSTOMERS = 5_000
_CONNECTIONS = 4
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.01
_TARGET_RATIO = 0.2

# What services.events.projector.progress asks before it calls a position visible.
_VISIBLE = """
SELECT (SELECT (xid, seq) >= ($1::bigint, $2::bigint) FROM cursors WHERE workspace = 'default')
   AND NOT EXISTS (SELECT FROM dirty WHERE workspace = 'default' AND (xid, seq) <= ($1::bigint, $2::bigint))
"""


class _Round(NamedTuple):
    events_a_second: float
    intake_microseconds: float = 0
    projector_microseconds: float = 0
    postgresql_microseconds: float = 0


async def measure(bench: Bench) -> list[Figure]:
    calls = cache(lambda number: sessions(_CUSTOMERS, seed=number))
    url = bench.postgresql.create_database("projected")
    with four_processes(bench.folder, url) as platform:
        platform.publish(journey("chairs"))
        async with raw_table(bench.postgresql, "projected_raw") as raw:

            async def copied(number: int) -> _Round:
                return _Round(await raw.copy(calls(number)))

            async def projected(number: int) -> _Round:
                return await _project(bench, platform, url, calls(number))

            await _project(bench, platform, url, sessions(300, seed=-1))  # warm
            rounds = await interleaved(bench, {"COPY": copied, "projected": projected})
    ours, copies = rounds["projected"], rounds["COPY"]
    ratios = (one.events_a_second / raw.events_a_second for one, raw in zip(ours, copies, strict=True))
    return [
        figure("projected events/s against COPY", "x", ratios, at_least(_TARGET_RATIO)),
        figure("projected events/s", "1/s", (one.events_a_second for one in ours)),
        figure("events/s, COPY", "1/s", (one.events_a_second for one in copies)),
        figure("CPU an event, intake", "µs", (one.intake_microseconds for one in ours)),
        figure("CPU an event, projector", "µs", (one.projector_microseconds for one in ours)),
        figure("CPU an event, PostgreSQL", "µs", (one.postgresql_microseconds for one in ours)),
    ]


async def _project(bench: Bench, platform: Platform, url: str, calls: list[Call]) -> _Round:
    pids = [platform.processes["events"].pid, platform.processes["projector"].pid, pid_of(bench.postgresql)]
    key = platform.credentials["writeKey"]
    requests = encode_requests(platform.intake_url, "/v1/batch", key, batches(calls))
    observer = await asyncpg.connect(url)
    before = [cpu_seconds(pid) for pid in pids]
    start = time.perf_counter()
    sent = await send_all(platform.intake_url, requests, _CONNECTIONS)
    await _until_visible(observer, sent.last)
    seconds = time.perf_counter() - start
    used = [(cpu_seconds(pid) - earlier) / len(calls) * 1e6 for pid, earlier in zip(pids, before, strict=True)]
    await observer.close()
    return _Round(len(calls) / seconds, *used)


async def _until_visible(observer: asyncpg.Connection, place: Place) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await observer.fetchval(_VISIBLE, *place):
            await asyncio.sleep(_LOOK_SECONDS)
