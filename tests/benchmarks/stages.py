"""Where the projector's time goes: its two stages one after the other over a log that is already filled."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
from pydantic import SecretStr

from infra.chassis.clock import system_clock
from infra.chassis.memory import settle
from services.events.intake.slots import Published
from services.events.intake.store import Group, LogStore
from services.events.models.queries import Models
from services.events.projector.fold import Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases, lease_names
from services.events.settings import Settings
from services.events.stores import Stores
from services.events.timeline.reader import EntryReader
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, cpu_seconds, figure, pid_of
from tests.benchmarks.servers import EventsServer, events_server
from tests.benchmarks.workload import batches, journey, sessions

TITLE = "The projector's stages apart, PostgreSQL"
_CUSTOMERS = 3_000
_WORKSPACE = "default"
_LEASES = lease_names([_WORKSPACE])


class _Used(NamedTuple):
    """For each event."""

    microseconds: float
    cpu_microseconds: float
    postgresql_microseconds: float


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("stages")
    settings = Settings(data=bench.folder, events_database_url=url, signing_key=SecretStr("x" * 32))
    stores = Stores(settings)
    with events_server(bench.folder / "events", url) as server:
        async with stores.opened():
            leases = Leases(stores.state, "benchmark", system_clock, exclusive=False)
            log = LogStore(stores.log)
            reader = EntryReader(log)
            identify = Identify(log, stores.state, reader, leases)
            lanes = Lanes(log, stores.state, reader, Models(stores.state), leases, system_clock)
            fold = Fold(lanes)
            document = msgspec.json.encode(journey("chairs") | {"version": 1, "effectiveFrom": None})
            await log.append([Group(_WORKSPACE, [Published("chairs", 1, document)])], system_clock())
            settle()
            rounds: dict[str, list[_Used]] = {"identify": [], "fold": []}
            for number in range(bench.rounds):
                bench.say(f"round {number + 1}")
                events = await _fill(server, number)
                for name, step in (("identify", identify.step), ("fold", fold.step)):
                    rounds[name].append(await _drain(bench, leases, step, events))
            await leases.release()
    return [
        figure(f"{what} an event, {stage}", "µs", (getattr(used, field) for used in results))
        for stage, results in rounds.items()
        for what, field in (
            ("time", "microseconds"),
            ("projector's CPU", "cpu_microseconds"),
            ("PostgreSQL's CPU", "postgresql_microseconds"),
        )
    ]


async def _fill(server: EventsServer, number: int) -> int:
    calls = sessions(_CUSTOMERS, seed=number)
    await send_all(server.address, encode_requests(server.address, "/v1/batch", server.write_key, batches(calls)), 4)
    return len(calls)


async def _drain(bench: Bench, leases: Leases, step: Callable[[str], Awaitable[int]], events: int) -> _Used:
    """Steps until there is nothing left to do."""
    postgresql = pid_of(bench.postgresql)
    start, cpu, cpu_of_postgresql = time.perf_counter(), time.process_time(), cpu_seconds(postgresql)
    await leases.renew(_LEASES)
    while await step(_WORKSPACE):
        await leases.renew(_LEASES)
    used = (
        time.perf_counter() - start,
        time.process_time() - cpu,
        cpu_seconds(postgresql) - cpu_of_postgresql,
    )
    return _Used(*(seconds / events * 1e6 for seconds in used))
