"""Makes every projection from the log, in an empty state store that nobody else uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial

from infra.chassis.database import Database
from services.events.insights import store as insights_store
from services.events.intake.position import START
from services.events.intake.store import LogStore
from services.events.replay.aside import Aside
from services.events.replay.crew import Crew, Sites, Task, Worker
from services.events.replay.identifying import Identified, identify
from services.events.replay.sorting import shelves_for
from services.events.replay.watching import Stage, Watch
from services.events.tables import customers, identifiers, instances
from services.events.timeline.domain import Microseconds

_SLOTS_OF_ONE_PROCESS = 50_000  # of fewer, other processes would start for longer than they work


_Do = Callable[[Iterable[Task], Callable[[int], None]], Awaitable[None]]
"""See Crew.do."""


class Rebuild:
    def __init__(self, sites: Sites, watch: Watch) -> None:
        self._sites = sites
        self._watch = watch

    async def run(self, now: Microseconds) -> int:
        """Up to the end of the log; silence is told up to `now`. How many entries of the log there were."""
        async with self._sites.opened() as (log, state, aside), AsyncExitStack() as stack:
            store = LogStore(log)
            slots = {name: (await store.logged_slots(name, START))[0] for name in await store.workspaces()}
            if sum(slots.values()) > _SLOTS_OF_ONE_PROCESS:
                do = (await stack.enter_async_context(Crew(self._sites))).do
            else:
                do = partial(_do_alone, Worker(log, state, aside))
            await Aside(aside).open()
            await _drop_indexes(state)
            for workspace, expected in slots.items():
                identified = await identify(store, state, Aside(aside), workspace, expected, self._watch)
                await self._sort_and_fold(do, workspace, identified, now)
                await _settle(state, workspace)
                await Aside(aside).clear()
            self._watch(Stage.FINISHING, 0, 0)
            await _create_indexes(state)
        return sum(slots.values())

    async def _sort_and_fold(self, do: _Do, workspace: str, identified: Identified, now: Microseconds) -> None:
        task = Task(workspace, shelves_for(identified), now)
        sort = [task._replace(batch=batch) for batch in range(identified.batches)]
        fold = [task._replace(shelf=shelf) for shelf in range(task.shelves)]
        for stage, tasks in ((Stage.SORTING, sort), (Stage.FOLDING, fold)):
            await do(tasks, self._counted(stage, identified.events))

    def _counted(self, stage: Stage, of: int) -> Callable[[int], None]:
        done = 0

        def tell(events: int) -> None:
            nonlocal done
            done += events
            self._watch(stage, done, of)

        return tell


async def _do_alone(worker: Worker, tasks: Iterable[Task], tell: Callable[[int], None]) -> None:
    for task in tasks:
        tell(await worker.do(task))


async def _settle(state: Database, workspace: str) -> None:
    """In short transactions: on PostgreSQL the log cannot be read past an open one."""
    settled = 1
    while settled:
        async with state.write() as connection:
            settled = await insights_store.settle(connection, state, workspace, 1)


async def _drop_indexes(state: Database) -> None:
    """Those that nothing is looked up by meanwhile: built afterwards they cost a fraction."""
    async with state.write() as connection:
        for index in _SECONDARY:
            await connection.run_sync(index.drop)


async def _create_indexes(state: Database) -> None:
    """Each in a transaction of its own: on PostgreSQL the log cannot be read past an open one."""
    for index in _SECONDARY:
        async with state.write() as connection:
            await connection.run_sync(index.create)


_SECONDARY = [
    *sorted(customers.indexes | instances.indexes, key=lambda index: str(index.name)),
    *(index for index in identifiers.indexes if identifiers.c.customer in index.columns.values()),
]
