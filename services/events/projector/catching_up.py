"""The background lane: brings customers under builds that they have not been folded under.

Partition by partition, in the order of ids, a step at a time; how far it has come is stored with what it has folded, so
that an interrupted rebuild goes on where it was. When all partitions are through, the new build takes the place of the
old one, whose rows are then swept away.
"""

from __future__ import annotations

import time
from itertools import takewhile

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.live.rows import CustomerRow
from services.events.live.state import read_states
from services.events.models import builds
from services.events.models.builds import BuildProgress
from services.events.partitions import PARTITIONS, partition_of
from services.events.projector import stuck
from services.events.projector.fold import STEP_ERRORS, Lanes, Slow
from services.events.tables import customers

_FEWEST_CUSTOMERS, _MOST_CUSTOMERS = 64, 1_024
_LONG_SECONDS = 0.2
_SWEPT_CUSTOMERS = 500


class CatchingUp:
    """`enough_seconds`: when a step has taken as long, it begins with no further partition."""

    def __init__(self, lanes: Lanes, enough_seconds: float = _LONG_SECONDS / 2) -> None:
        self._lanes = lanes
        self._enough_seconds = enough_seconds
        self._most = _FEWEST_CUSTOMERS

    async def step(self, workspace: str) -> int:
        """The next customers of some partitions; how much was done."""
        chosen: list[bytes] = []
        try:
            async with self._lanes.turn:
                done = await self._step(workspace, chosen)
        except STEP_ERRORS as error:
            self._most = await self._lanes.smaller(self._most, workspace, chosen, error)
            raise
        await self._switch(workspace)
        return done or await self._sweep(workspace)

    async def _step(self, workspace: str, chosen: list[bytes]) -> int:
        """`chosen` is told whom it folds."""
        epochs, partitions = self._lanes.partitions()
        if not partitions:
            return 0
        began = time.monotonic()
        visited = 0
        async with self._lanes.state.write(snapshot=True) as connection:
            for behind in await builds.progress(connection, workspace, partitions):
                if self._is_awaited(workspace, behind.partition):
                    continue
                await self._catch_up(connection, workspace, behind, chosen)
                visited += 1
                if self._most == 1 or time.monotonic() - began > self._enough_seconds:
                    break
            if visited:
                await self._lanes.leases.check(connection, epochs)
        self._adapt(visited, time.monotonic() - began)
        return visited

    async def _switch(self, workspace: str) -> None:
        """Anybody may do it who owns some of the work: whoever takes all leases has everybody stand still."""
        epochs, _partitions = self._lanes.partitions()
        if not epochs:
            return
        async with self._lanes.state.write() as connection:
            if await builds.switch(connection, workspace):
                # Under another version what failed may be no problem.
                await stuck.try_again(connection, workspace, range(PARTITIONS))
                await self._lanes.leases.check(connection, epochs)

    def _adapt(self, visited: int, seconds: float) -> None:
        if seconds > _LONG_SECONDS:
            self._most = max(self._most // 2, _FEWEST_CUSTOMERS)
        elif visited and seconds < _LONG_SECONDS / 2:
            self._most = min(self._most * 2, _MOST_CUSTOMERS)

    def _is_awaited(self, workspace: str, partition: int) -> bool:
        """Whether the slow lane has a customer of the partition, who might be written as it was before the build."""
        slow = self._lanes.slow
        return any(name == workspace and partition_of(customer) == partition for name, customer in slow)

    async def _catch_up(
        self, connection: AsyncConnection, workspace: str, behind: BuildProgress, chosen: list[bytes]
    ) -> None:
        query = (
            select(*(customers.c[name] for name in CustomerRow._fields))
            .where(customers.c.workspace == workspace, customers.c.partition == behind.partition)
            .where(customers.c.customer > behind.after)
            .order_by(customers.c.customer)
            .limit(self._most)
        )
        rows = [CustomerRow(*row) for row in await connection.execute(query)]
        missing = [row for row in rows if behind.build not in read_states(row.state)]
        listed = await stuck.listed(connection, workspace, [row.customer for row in missing])
        # Who could not be folded at all will be folded wholly, under all builds, or be listed again.
        missing = [row for row in missing if stuck.NO_EVENT not in listed.get(row.customer, ())]
        bench = await self._lanes.bench(connection, workspace)
        all_works = await bench.catch_up(behind.build, missing, listed)
        large = {work.customer for work in all_works if bench.is_large(work)}
        works = bench.at_once([work for work in all_works if work.customer not in large])
        folded = await bench.fold(works, self._lanes.clock(), _LONG_SECONDS)
        works = [work for work in works if work.customer not in folded.later]
        chosen += [work.customer for work in works]
        await self._lanes.write(connection, workspace, folded, works)
        # The partition is visited again when the slow lane is through with those who are too large for this one.
        self._lanes.slow |= {(workspace, customer): Slow(behind.build) for customer in large}
        left = {work.customer for work in all_works} - {work.customer for work in works}
        through = list(takewhile(lambda row: row.customer not in left, rows))
        after = through[-1].customer if through else behind.after
        is_done = len(rows) < self._most and not left
        count = behind.folded + len(through)
        await builds.advance(connection, workspace, behind.build, behind.partition, after, count, is_done)

    async def _sweep(self, workspace: str) -> int:
        async with self._lanes.turn, self._lanes.state.write() as connection:
            for build in await builds.retired(connection, workspace):
                if swept := await builds.sweep(connection, workspace, build, _SWEPT_CUSTOMERS):
                    return swept
        return 0
