"""Single events from 64 connections: group commit against one transaction for each request, all else the same.

A transaction a request is measured in two ways: as any service writes one, and with everything stripped off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import cache, partial
from typing import NamedTuple

from fastapi import FastAPI
from sqlalchemy import ColumnElement, insert, literal_column

from infra.chassis import serving
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import system_clock
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from services.events.control.handlers import bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.intake.api import entrances
from services.events.intake.entrance import FrontDoor
from services.events.intake.handlers import Intake
from services.events.intake.library_settings import LibrarySettings
from services.events.intake.position import Place
from services.events.intake.slots import Slot, pack
from services.events.intake.store import Group, LogStore
from services.events.intake.writer import LogWriter
from services.events.log_tables import log
from services.events.settings import Settings
from services.events.stores import Stores
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_least, cpu_seconds, figure, interleaved
from tests.benchmarks.servers import EventsServer, events_server
from tests.benchmarks.workload import Call, sessions

TITLE = "Acknowledged intake, single events from 64 connections"
_CUSTOMERS = 200
_CONNECTIONS = 64
_DATABASE_CONNECTIONS = 16  # of the bare side
_TARGET_RATIO = 5
_XID: ColumnElement[int] = literal_column("pg_current_xact_id()::text::bigint")


class Ordinary(LogWriter):
    """Each request in a unit of work of its own, as the house writes everywhere else."""

    def __init__(self, database: Database) -> None:
        super().__init__(LogStore(database), system_clock)
        self._database = database

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> Place:
        row = {"workspace": workspace, "logged_at": system_clock(), "slots": len(slots), "body": pack(slots)}
        statement = insert(log).values(row | {"xid": _XID}).returning(log.c.xid, log.c.seq)
        async with self._database.write() as connection:
            return Place(*(await connection.execute(statement)).one())


class Bare(LogWriter):
    """Each request in a transaction of its own through the bare driver, on the next free of several connections.

    That is the same statement as in a group commit; PostgreSQL flushes transactions together that end together.
    """

    def __init__(self, url: str) -> None:
        self._databases = [Database(url, pool_size=1) for _ in range(_DATABASE_CONNECTIONS)]
        super().__init__(LogStore(self._databases[0]), system_clock)
        self._free: asyncio.Queue[LogStore] = asyncio.Queue()
        for database in self._databases:
            self._free.put_nowait(LogStore(database))

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> Place:
        store = await self._free.get()
        try:
            [place] = await store.append([Group(workspace, slots)], system_clock())
        finally:
            self._free.put_nowait(store)
        return place

    async def close(self) -> None:
        for database in self._databases:
            await database.close()


_WRITERS: dict[str, Callable[[Database, str], LogWriter]] = {
    "group commit": lambda database, _url: LogWriter(LogStore(database), system_clock),
    "one transaction a request": lambda database, _url: Ordinary(database),
    "one bare transaction a request": lambda _database, url: Bare(url),
}


def _serve(writing: str, host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Intake alone, with one of the writers."""
    settings = Settings()
    stores = Stores(settings)
    tokens = ServiceTokens(settings.signing_key.get_secret_value())
    writer = _WRITERS[writing](stores.log, settings.log_database_url)

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
    libraries = LibrarySettings(intake.keys, system_clock, settings.public_url)
    return serving.run(FrontDoor(app, entrances(intake, tokens, libraries)), host, port, on_ready)


class _Round(NamedTuple):
    events_a_second: float
    microseconds: float


async def measure(bench: Bench) -> list[Figure]:
    calls = cache(lambda number: sessions(_CUSTOMERS, seed=number))
    with ExitStack() as stack:
        sides: dict[str, Callable[[int], Awaitable[_Round]]] = {}
        for number, writing in enumerate(_WRITERS):
            url = bench.postgresql.create_database(f"singles_{number}")
            folder = bench.folder / str(number)
            server = stack.enter_context(events_server(folder, url, partial(_serve, writing)))
            await _send(server, sessions(20, seed=-1))  # warm
            sides[writing] = partial(_send_round, server, calls)
        rounds = await interleaved(bench, sides)
    grouped = rounds.pop("group commit")
    figures = []
    for (writing, others), target in zip(rounds.items(), (at_least(_TARGET_RATIO), None), strict=True):
        ratios = (one.events_a_second / other.events_a_second for one, other in zip(grouped, others, strict=True))
        figures.append(figure(f"group commit against {writing}", "x", ratios, target))
    for writing, results in ({"group commit": grouped} | rounds).items():
        figures += [
            figure(f"events/s, {writing}", "1/s", (one.events_a_second for one in results)),
            figure(f"application CPU an event, {writing}", "µs", (one.microseconds for one in results)),
        ]
    return figures


async def _send_round(server: EventsServer, calls: Callable[[int], list[Call]], number: int) -> _Round:
    return await _send(server, calls(number))


async def _send(server: EventsServer, calls: list[Call]) -> _Round:
    bodies = [call.body for call in calls]
    requests = encode_requests(server.address, "/v1/track", server.write_key, bodies)
    before = cpu_seconds(server.pid)
    sent = await send_all(server.address, requests, _CONNECTIONS)
    used = cpu_seconds(server.pid) - before
    return _Round(len(calls) / sent.seconds, used / len(calls) * 1e6)
