"""Makes every projection from the log, in an empty state store that nobody else uses."""

from __future__ import annotations

from infra.chassis.database import Database
from services.events.insights import store as insights_store
from services.events.intake.position import START
from services.events.intake.store import LogStore
from services.events.partitions import PARTITIONS
from services.events.replay.aside import Aside
from services.events.replay.folding import Folding
from services.events.replay.identifying import identify
from services.events.replay.sorting import sort
from services.events.replay.watching import Stage, Watch
from services.events.tables import customers, identifiers, instances
from services.events.timeline.domain import Microseconds


class Rebuild:
    def __init__(self, log: LogStore, state: Database, aside: Aside, watch: Watch) -> None:
        self._log = log
        self._state = state
        self._aside = aside
        self._watch = watch

    async def run(self, now: Microseconds) -> int:
        """Up to the end of the log; silence is told up to `now`. How many entries of the log there were."""
        await self._aside.open()
        await self._drop_indexes()
        slots = 0
        for workspace in await self._log.workspaces():
            slots += await self._workspace(workspace, now)
        self._watch(Stage.FINISHING, 0, 0)
        await self._create_indexes()
        return slots

    async def _workspace(self, workspace: str, now: Microseconds) -> int:
        slots, _oldest, _last = await self._log.logged_slots(workspace, START)
        identified = await identify(self._log, self._state, self._aside, workspace, slots, self._watch)
        shelves = await sort(self._log, self._state, self._aside, workspace, identified, self._watch)
        folding = await Folding.prepared(self._log, self._state, workspace, now)
        folded = 0
        for shelf in range(shelves):
            folded += await folding.fold(self._aside, shelf)
            self._watch(Stage.FOLDING, folded, identified.events)
        for partition in range(PARTITIONS):
            async with self._state.write() as connection:
                await insights_store.settle(connection, self._state, workspace, [partition], 1)
        await self._aside.clear()
        return slots

    async def _drop_indexes(self) -> None:
        """Those that nothing is looked up by meanwhile: built afterwards they cost a fraction."""
        async with self._state.write() as connection:
            for index in _SECONDARY:
                await connection.run_sync(index.drop)

    async def _create_indexes(self) -> None:
        """Each in a transaction of its own: on PostgreSQL the log cannot be read past an open one."""
        for index in _SECONDARY:
            async with self._state.write() as connection:
                await connection.run_sync(index.create)


_SECONDARY = [
    *sorted(customers.indexes | instances.indexes, key=lambda index: str(index.name)),
    *(index for index in identifiers.indexes if identifiers.c.customer in index.columns.values()),
]
