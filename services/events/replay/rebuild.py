"""Makes every projection from the log, in an empty state store that nobody else uses."""

from __future__ import annotations

from contextlib import AsyncExitStack

from infra.chassis.database import Database
from services.events.insights import store as insights_store
from services.events.intake.position import START
from services.events.intake.store import LogStore
from services.events.partitions import PARTITIONS
from services.events.replay.aside import Aside
from services.events.replay.crew import Crew, Sites
from services.events.replay.folding import Folding
from services.events.replay.identifying import identify
from services.events.replay.sorting import sort
from services.events.replay.watching import Stage, Watch
from services.events.tables import customers, identifiers, instances
from services.events.timeline.domain import Microseconds

_SLOTS_OF_ONE_PROCESS = 50_000  # of fewer, other processes would start for longer than they work


class Rebuild:
    def __init__(self, sites: Sites, watch: Watch) -> None:
        self._sites = sites
        self._watch = watch

    async def run(self, now: Microseconds) -> int:
        """Up to the end of the log; silence is told up to `now`. How many entries of the log there were."""
        async with self._sites.opened() as (log, state, aside), AsyncExitStack() as stack:
            store = LogStore(log)
            slots = {name: (await store.logged_slots(name, START))[0] for name in await store.workspaces()}
            is_large = sum(slots.values()) > _SLOTS_OF_ONE_PROCESS
            crew = await stack.enter_async_context(Crew(self._sites)) if is_large else None
            await Aside(aside).open()
            await _drop_indexes(state)
            for workspace, expected in slots.items():
                await self._workspace(store, state, Aside(aside), crew, workspace, expected, now)
            self._watch(Stage.FINISHING, 0, 0)
            await _create_indexes(state)
        return sum(slots.values())

    async def _workspace(
        self,
        log: LogStore,
        state: Database,
        aside: Aside,
        crew: Crew | None,
        workspace: str,
        slots: int,
        now: Microseconds,
    ) -> None:
        identified = await identify(log, state, aside, workspace, slots, self._watch)
        shelves = await sort(log, state, aside, workspace, identified, self._watch)
        folded = 0

        def tell(events: int) -> None:
            nonlocal folded
            folded += events
            self._watch(Stage.FOLDING, folded, identified.events)

        if crew is not None:
            await crew.fold(workspace, shelves, now, tell)
        else:
            folding = await Folding.prepared(log, state, workspace, now)
            for shelf in range(shelves):
                tell(await folding.fold(aside, shelf))
        for partition in range(PARTITIONS):
            async with state.write() as connection:
                await insights_store.settle(connection, state, workspace, [partition], 1)
        await aside.clear()


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
