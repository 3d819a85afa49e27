"""The lane that tends what was published: it withdraws instances that nobody has any more, and deletes old changes."""

from __future__ import annotations

from services.events.changes import store
from services.events.live.domain.changes import between, in_order
from services.events.models import builds
from services.events.projector import moving
from services.events.projector.fold import Lanes
from services.events.timeline.domain import Microseconds

_PRUNE_EVERY: Microseconds = 600_000_000


class Withdrawing:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._pruned_at: dict[str, Microseconds] = {}

    async def step(self, workspace: str) -> int:
        """How many instances on their way to another customer it has looked after, and old rows of changes deleted."""
        return await self._withdraw(workspace) + await self._prune(workspace)

    async def _withdraw(self, workspace: str) -> int:
        lanes = self._lanes
        epochs, partitions = lanes.partitions()
        async with lanes.state.read() as connection:
            if not await moving.is_any(connection, workspace):
                return 0
        async with lanes.turn, lanes.state.write(snapshot=True) as connection:
            live = {build.number for build in await builds.active(connection, workspace) if build.live}
            looked_after, gone = await moving.unclaimed(connection, workspace, partitions, live)
            changes = in_order([placed for one in gone for placed in between(one, None)])
            await store.append(connection, workspace, changes, lanes.clock())
            await lanes.leases.check(connection, epochs)
        return looked_after

    async def _prune(self, workspace: str) -> int:
        now = self._lanes.clock()
        if now < self._pruned_at.get(workspace, now - _PRUNE_EVERY) + _PRUNE_EVERY:
            return 0
        async with self._lanes.state.write() as connection:
            pruned = await store.prune(connection, workspace, now - store.KEPT)
        if not pruned:
            self._pruned_at[workspace] = now
        return pruned
