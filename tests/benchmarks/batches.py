"""Acknowledged intake in batches of 100: what an event costs the application, and how far COPY itself is away."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_most, cpu_seconds, figure, interleaved
from tests.benchmarks.raw_table import raw_table
from tests.benchmarks.servers import EventsServer, events_server
from tests.benchmarks.workload import Call, batches, sessions

TITLE = "Acknowledged intake, batches of 100"
_CUSTOMERS = 5_000
_CONNECTIONS = 16
_TARGET_MICROSECONDS = 7


class _Round(NamedTuple):
    events_a_second: float
    microseconds: float = 0
    """CPU of the server process an event, database excluded."""
    client_microseconds: float = 0


async def measure(bench: Bench) -> list[Figure]:
    calls = cache(lambda number: sessions(_CUSTOMERS, seed=number))
    with (
        events_server(bench.folder / "postgresql", bench.postgresql.create_database("batches")) as on_postgresql,
        events_server(bench.folder / "sqlite", None) as on_sqlite,
    ):
        async with raw_table(bench.postgresql, "batches_raw") as raw:

            async def copied(number: int) -> _Round:
                return _Round(await raw.copy(calls(number)))

            for server in (on_postgresql, on_sqlite):
                await _send(server, sessions(300, seed=-1))  # warm
            rounds = await interleaved(
                bench,
                {
                    "COPY": copied,
                    "PostgreSQL": lambda number: _send(on_postgresql, calls(number)),
                    "SQLite": lambda number: _send(on_sqlite, calls(number)),
                },
            )
    figures = []
    for store, note, target in (
        ("PostgreSQL", "", at_most(_TARGET_MICROSECONDS)),
        ("SQLite", " (SQLite itself included)", None),
    ):
        paired = list(zip(rounds[store], rounds["COPY"], strict=True))
        figures += [
            figure(
                f"application CPU an event, {store}{note}", "µs", (one.microseconds for one in rounds[store]), target
            ),
            figure(f"events/s, {store}", "1/s", (one.events_a_second for one in rounds[store])),
            figure(
                f"events/s against COPY, {store}",
                "x",
                (one.events_a_second / raw.events_a_second for one, raw in paired),
            ),
            figure(f"the client's own CPU an event, {store}", "µs", (one.client_microseconds for one in rounds[store])),
        ]
    return [*figures, figure("events/s, COPY", "1/s", (one.events_a_second for one in rounds["COPY"]))]


async def _send(server: EventsServer, calls: list[Call]) -> _Round:
    requests = encode_requests(server.address, "/v1/batch", server.write_key, batches(calls))
    before = cpu_seconds(server.pid)
    sent = await send_all(server.address, requests, _CONNECTIONS)
    used = cpu_seconds(server.pid) - before
    return _Round(len(calls) / sent.seconds, used / len(calls) * 1e6, sent.cpu_seconds / len(calls) * 1e6)
