"""How much of the projector's CPU goes into the counters: tallying, noting what changed, and adding it up.

Noting is done again by itself, with what each step of the fold had to note, and so is tallying, with the rows that
each step wrote. What adds it up is a step of its own.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.insights import store
from services.events.insights.domain import Tally
from services.events.live.domain.trail import BEFORE_START
from services.events.live.rows import StepRow
from services.events.live.store.writing import Changes
from services.events.projector.bench import Folded
from services.events.projector.fold import Lanes
from services.events.projector.work import Work
from tests.benchmarks.histories import DAY, ROW, history
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved
from tests.benchmarks.projecting import WORKSPACE, Projecting, projecting

TITLE = "The counters' share of the projector's CPU"
_CUSTOMERS, _EVENTS = 1_000, 12
_TRICKLES = 4
_TARGET = 0.3


class _Watched(Lanes):
    """Keeps what was folded."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folded: list[Folded] = []

    async def write(self, connection: AsyncConnection, workspace: str, folded: Folded, works: Sequence[Work]) -> None:
        self.folded.append(folded)
        await super().write(connection, workspace, folded, works)


class _Round(NamedTuple):
    """Microseconds of CPU for each event; on SQLite with the database."""

    identify: float
    fold: float
    """Tallying and noting included."""
    tally: float
    note: float
    add_up: float

    @property
    def share(self) -> float:
        return (self.tally + self.note + self.add_up) / (self.identify + self.fold + self.add_up)


async def measure(bench: Bench) -> list[Figure]:
    figures = []
    for store_name in ("SQLite", "PostgreSQL"):
        url = bench.postgresql.create_database("contributions") if store_name == "PostgreSQL" else None
        async with projecting(bench.folder / store_name, url, _Watched) as stages:
            await _project(stages, 1, -1)  # warm
            sides = {
                "whole histories at once": partial(_project, stages, 1),
                f"histories in {_TRICKLES} portions": partial(_project, stages, _TRICKLES),
            }
            rounds = await interleaved(bench, sides)
        for way, measured in rounds.items():
            what = f"{store_name}, {way}"
            figures.append(
                figure(f"{what}: the counters' share", "x", (one.share for one in measured), at_most(_TARGET))
            )
            figures += [
                figure(f"{what}: {stage.replace('_', ' ')}, an event", "µs", (getattr(one, stage) for one in measured))
                for stage in _Round._fields
            ]
    return figures


async def _project(stages: Projecting, portions: int, number: int) -> _Round:
    """New customers; each portion of all their histories is projected before the next one comes."""
    lanes = stages.lanes
    assert isinstance(lanes, _Watched)
    customers = [f"{portions}-{number}-{customer}" for customer in range(_CUSTOMERS)]
    arrived = sorted(
        (one for name in customers for one in history(name, _EVENTS, DAY)), key=lambda one: one.occurred_at
    )
    identify = fold = add_up = 0.0
    lanes.folded.clear()
    size = len(arrived) // portions
    for start in range(0, len(arrived), size):
        portion = arrived[start : start + size]
        await stages.append([portion[place : place + ROW] for place in range(0, size, ROW)])
        identify += await _spent(stages.identify_all)
        fold += await _spent(stages.fold_all)
        add_up += await _spent(stages.settle_all)
    tally = await _spent(partial(_tally_again, [folded.changes for folded in lanes.folded]))
    note = await _spent(partial(_note_again, stages, [folded.tally for folded in lanes.folded]))
    return _Round(*(seconds / len(arrived) * 1e6 for seconds in (identify, fold, tally, note, add_up)))


async def _spent(work: Callable[[], Awaitable[None]]) -> float:
    start = time.process_time()
    await work()
    return time.process_time() - start


async def _tally_again(changes: Sequence[Changes]) -> None:
    for one in changes:
        tally = Tally()
        known = {}
        for rows, sign in ((one.instances_gone, -1), (one.instances, 1)):
            for row in rows:
                tally.instance(row, sign)
                known[row.instance] = row
        taken: dict[bytes, list[StepRow]] = {}
        for step in one.steps:
            taken.setdefault(step.instance, []).append(step)
        for instance, steps in taken.items():
            tally.steps(known[instance], BEFORE_START, steps, 1)


async def _note_again(stages: Projecting, tallies: Sequence[Tally]) -> None:
    for tally in tallies:
        async with stages.state.write() as connection:
            await store.apply(connection, WORKSPACE, tally)
            await connection.rollback()
