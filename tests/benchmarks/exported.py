"""Exports of much and of little: how fast, and what memory the process takes that streams them."""

from __future__ import annotations

import secrets
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec
from pydantic import SecretStr

from infra.chassis.clock import system_clock
from services.events.control.handlers import DEFAULT_WORKSPACE, bootstrap
from services.events.intake.slots import Published
from services.events.intake.store import Group, LogStore
from services.events.projector.progress import Progress
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from services.events.settings import Settings
from services.events.stores import Stores
from tests.benchmarks.histories import BEGIN, DAY, ROW, history, journeys
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, resident_megabytes
from tests.benchmarks.servers import Server, intake, server

TITLE = "Exports in constant memory, SQLite"
SIZES = (50_000, 1_000_000)
_EVENTS_EACH = 20
_EXPORTS = ("events.jsonl", "events.csv", "events.xes", "instances.csv")
_MOST_MORE = at_most(1.5)
_NOISE_MEGABYTES = 16.0  # what a process may take for anything


class _Export(NamedTuple):
    seconds: float
    megabytes: float
    """The most that the process grew by while it was streamed."""


async def measure(bench: Bench) -> list[Figure]:
    found: dict[int, dict[str, _Export]] = {}
    for events in SIZES:
        bench.say(f"filling {events:,} events")
        folder = bench.folder / str(events)
        key = await _fill(folder, events)
        settings = {"KLANTREIS_DATA": str(folder), "KLANTREIS_SIGNING_KEY": secrets.token_urlsafe(32)}
        found[events] = {}
        for name in _EXPORTS:
            bench.say(f"{name} of {events:,} events")
            with server(intake, settings) as running:
                found[events][name] = await _export(running, key, name)
    few, many = SIZES
    figures = []
    for name in _EXPORTS:
        ratio = found[many][name].megabytes / max(found[few][name].megabytes, _NOISE_MEGABYTES)
        figures += [
            figure(f"memory for {many // few} times the events, {name}", "x", [ratio], _MOST_MORE),
            figure(f"memory while {many:,} events are told, {name}", "MB", [found[many][name].megabytes]),
            figure(f"events/s, {name}", "1/s", [many / found[many][name].seconds]),
        ]
    return figures


async def _fill(folder: Path, events: int) -> str:
    """Projects so many events; the admin key."""
    settings = Settings(data=folder, signing_key=SecretStr("x" * 32))
    stores = Stores(settings)
    async with stores.opened():
        made = await bootstrap(stores.log, settings.credentials_file, system_clock)
        assert made.credentials is not None
        log = LogStore(stores.log)
        published = [Published(one["key"], one["version"], msgspec.json.encode(one)) for one in journeys()]
        await log.append([Group(DEFAULT_WORKSPACE, published)], BEGIN)
        customers = range(events // _EVENTS_EACH)
        projector = Projector(stores.log, stores.state, system_clock, Wakeup())
        await projector.renew()
        each = iter(history(f"c{number}", _EVENTS_EACH, DAY) for number in customers)
        while some := [event for life in islice(each, ROW) for event in life]:
            some.sort(key=lambda event: event.occurred_at)
            rows = [Group(DEFAULT_WORKSPACE, some[start : start + ROW]) for start in range(0, len(some), ROW)]
            await log.append(rows, BEGIN)
            while await projector.round():
                pass
            await projector.renew()
        assert (await Progress(log, stores.state).status(DEFAULT_WORKSPACE)).lag == 0
        await projector.close()
    return made.credentials.admin_key


async def _export(running: Server, key: str, name: str) -> _Export:
    headers = {"Authorization": f"Bearer {key}"}
    start = time.perf_counter()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.address}/v1/export/instances.csv?to=0001-01-02", headers=headers) as warm,
    ):
        await warm.read()
        before = most = resident_megabytes(running.pid)
        timeout = aiohttp.ClientTimeout(total=None)
        async with session.get(f"{running.address}/v1/export/{name}", headers=headers, timeout=timeout) as answer:
            answer.raise_for_status()
            async for _chunk in answer.content.iter_chunked(1 << 20):
                most = max(most, resident_megabytes(running.pid))
    return _Export(time.perf_counter() - start, most - before)
