"""Single events from 64 connections: group commit against one transaction for each request, all else the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import NamedTuple

from fastapi import FastAPI

from infra.chassis import serving
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from services.events.control.handlers import KeyRing, bootstrap
from services.events.control.store import ControlStore
from services.events.intake.api import FrontDoor, endpoints
from services.events.intake.handlers import Intake
from services.events.intake.position import Place
from services.events.intake.slots import Slot
from services.events.intake.store import Group, LogStore
from services.events.intake.writer import LogWriter
from services.events.settings import Settings
from services.events.stores import Stores
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_least, cpu_seconds, figure, interleaved
from tests.benchmarks.servers import EventsServer, events_server
from tests.benchmarks.workload import Call, sessions

TITLE = "Acknowledged intake, single events from 64 connections"
_CUSTOMERS = 200
_CONNECTIONS = 64
_DATABASE_CONNECTIONS = 16  # of the side that commits each request by itself
_TARGET_RATIO = 5


class OneByOne(LogWriter):
    """Each request in a transaction of its own, on the next free of several connections."""

    def __init__(self, url: str, clock: Clock) -> None:
        databases = [Database(url, pool_size=1) for _ in range(_DATABASE_CONNECTIONS)]
        super().__init__(LogStore(databases[0]), clock)
        self._databases = databases
        self._now = clock
        self._free: asyncio.Queue[LogStore] = asyncio.Queue()
        for database in databases:
            self._free.put_nowait(LogStore(database))

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> Place:
        log = await self._free.get()
        try:
            [place] = await log.append([Group(workspace, slots)], self._now())
        finally:
            self._free.put_nowait(log)
        return place

    async def close(self) -> None:
        for database in self._databases:
            await database.close()


def _serve(grouped: bool, host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Intake alone, with one or the other writer."""
    settings = Settings()
    stores = Stores(settings)
    tokens = ServiceTokens(settings.signing_key.get_secret_value())
    writer = (
        LogWriter(LogStore(stores.log), system_clock) if grouped else OneByOne(settings.log_database_url, system_clock)
    )

    async def projected(_workspace: str, _place: Place) -> bool:
        return False

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(stores.opened())
            await bootstrap(stores.log, settings.credentials_file, system_clock)
            stack.push_async_callback(writer.close)
            yield

    app = FastAPI(lifespan=lifespan)
    answer_problems(app)
    intake = Intake(KeyRing(ControlStore(stores.log), system_clock), writer, system_clock, projected)
    app.add_middleware(FrontDoor, endpoints=endpoints(intake, tokens))
    return serving.run(app, host, port, on_ready)


class _Round(NamedTuple):
    events_a_second: float
    microseconds: float


async def measure(bench: Bench) -> list[Figure]:
    calls = cache(lambda number: sessions(_CUSTOMERS, seed=number))
    urls = {name: bench.postgresql.create_database(f"singles_{name}") for name in ("grouped", "one_by_one")}
    with (
        events_server(bench.folder / "grouped", urls["grouped"], partial(_serve, True)) as grouped,
        events_server(bench.folder / "one_by_one", urls["one_by_one"], partial(_serve, False)) as one_by_one,
    ):
        for server in (grouped, one_by_one):
            await _send(server, sessions(20, seed=-1))  # warm
        rounds = await interleaved(
            bench,
            {
                "group commit": lambda number: _send(grouped, calls(number)),
                "one transaction each": lambda number: _send(one_by_one, calls(number)),
            },
        )
    ours, others = rounds["group commit"], rounds["one transaction each"]
    ratios = (one.events_a_second / other.events_a_second for one, other in zip(ours, others, strict=True))
    return [
        figure("group commit against one transaction a request", "x", ratios, at_least(_TARGET_RATIO)),
        figure("events/s, group commit", "1/s", (one.events_a_second for one in ours)),
        figure("events/s, one transaction a request", "1/s", (one.events_a_second for one in others)),
        figure("application CPU an event, group commit", "µs", (one.microseconds for one in ours)),
        figure("application CPU an event, one transaction a request", "µs", (one.microseconds for one in others)),
    ]


async def _send(server: EventsServer, calls: list[Call]) -> _Round:
    bodies = [call.body for call in calls]
    requests = encode_requests(server.address, "/v1/track", server.write_key, bodies)
    before = cpu_seconds(server.pid)
    sent = await send_all(server.address, requests, _CONNECTIONS)
    used = cpu_seconds(server.pid) - before
    return _Round(len(calls) / sent.seconds, used / len(calls) * 1e6)
