"""`klantreis replay` against the projector over the same log: from the first event to the last, all of it visible."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
from pydantic import SecretStr
from sqlalchemy import insert

from infra.chassis.clock import system_clock
from infra.chassis.memory import settle
from services.events.intake.slots import Published, Recorded
from services.events.intake.store import Group, LogStore
from services.events.log_tables import workspaces
from services.events.projector.progress import Progress
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from services.events.replay import Stage, replay
from services.events.settings import Settings
from services.events.stores import Stores
from tests.benchmarks.histories import BEGIN, DAY, ROW, history, journeys
from tests.benchmarks.measuring import Bench, Figure, at_least, figure

TITLE = "Replaying, against projecting the same log"
_CUSTOMERS, _EVENTS = 8_000, 12
_AT_ONCE = 1_000
"""How many customers live at a time."""
_APART = 2 * DAY
_MOST_ROUNDS = 3
_WORKSPACE = "default"
_LOOK_SECONDS = 0.05
_TARGET = at_least(3.0)


class _Round(NamedTuple):
    """Events a second."""

    live: float
    replayed: float


async def measure(bench: Bench) -> list[Figure]:
    events = _events()
    figures = []
    for database in ("PostgreSQL", "SQLite"):
        rounds = []
        for number in range(min(bench.rounds, _MOST_ROUNDS)):
            bench.say(f"round {number + 1}: {database}")
            name = f"replayed-{number}"
            url = bench.postgresql.create_database(name) if database == "PostgreSQL" else None
            rounds.append(await _measure(bench.folder / f"{database}-{number}", url, events))
        ratios = (one.replayed / one.live for one in rounds)
        figures += [
            figure(f"replayed events/s against projected, {database}", "x", ratios, _TARGET),
            figure(f"replayed events/s, {database}", "1/s", (one.replayed for one in rounds)),
            figure(f"projected events/s, {database}", "1/s", (one.live for one in rounds)),
        ]
    return figures


async def _measure(folder: Path, url: str | None, events: Sequence[Recorded]) -> _Round:
    settings = Settings(data=folder, events_database_url=url, signing_key=SecretStr("x" * 32))
    stores = Stores(settings)
    async with stores.opened():
        await _fill(stores, events)
        settle()
        live = await _seconds_until_projected(stores)
    start = time.perf_counter()
    await replay(settings, _unwatched)
    return _Round(len(events) / live, len(events) / (time.perf_counter() - start))


def _events() -> list[Recorded]:
    """Each customer's events are spread over all that happens while they and others live."""
    found: list[Recorded] = []
    for first in range(0, _CUSTOMERS, _AT_ONCE):
        lives = [history(f"c{number}", _EVENTS, _APART) for number in range(first, first + _AT_ONCE)]
        found += sorted(chain.from_iterable(lives), key=attrgetter("occurred_at"))
    return found


async def _fill(stores: Stores, events: Sequence[Recorded]) -> None:
    async with stores.log.write() as connection:
        row = {"key": _WORKSPACE, "name": "Default", "secret": b"s" * 16, "created_at": 0}
        await connection.execute(insert(workspaces), row)
    log = LogStore(stores.log)
    published = [Published(one["key"], one["version"], msgspec.json.encode(one)) for one in journeys()]
    await log.append([Group(_WORKSPACE, published)], BEGIN)
    rows = [Group(_WORKSPACE, events[start : start + ROW]) for start in range(0, len(events), ROW)]
    for start in range(0, len(rows), ROW):
        await log.append(rows[start : start + ROW], BEGIN)


async def _seconds_until_projected(stores: Stores) -> float:
    progress = Progress(LogStore(stores.log), stores.state)
    start = time.perf_counter()
    projecting = asyncio.create_task(Projector(stores.log, stores.state, system_clock, Wakeup()).run())
    while (await progress.status(_WORKSPACE)).lag:
        await asyncio.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - start
    projecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await projecting
    return seconds


def _unwatched(_stage: Stage, _done: int, _of: int) -> None:
    """Nobody looks."""
