"""The lane that adds what folding has changed to the counters: now and then, and when nothing else is to be done."""

from __future__ import annotations

from services.events.insights import store
from services.events.models import builds
from services.events.projector.fold import Lanes

_MANY_CHANGES = 16
"""Changes of one partition. More make readers sum more; fewer make the same cells be written more often."""


class Settling:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def step(self, workspace: str) -> int:
        """Partitions with many changes; how many these are."""
        return await self._settle(workspace, _MANY_CHANGES)

    async def finish(self, workspace: str) -> int:
        """All partitions with any."""
        return await self._settle(workspace, 1)

    async def _settle(self, workspace: str, at_least: int) -> int:
        lanes = self._lanes
        epochs, partitions = lanes.partitions()
        if not partitions:
            return 0
        async with lanes.turn, lanes.state.write(snapshot=True) as connection:
            active = {build.number for build in await builds.active(connection, workspace)}
            settled = await store.settle(connection, lanes.state, workspace, partitions, at_least, active)
            if settled:
                await builds.hold(connection, workspace)
                await lanes.leases.check(connection, epochs)
        return settled
