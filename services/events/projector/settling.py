"""The lane that adds what folding has changed to the counters: now and then, and when nothing else is to be done.

Counters are of a whole workspace, whoever folds its customers, so this has one owner a workspace.
"""

from __future__ import annotations

from services.events.insights import store
from services.events.models import builds
from services.events.projector.fold import Lanes
from services.events.projector.leases import settle_lease

_MANY_CHANGES = 16
"""More make readers sum more; fewer make the same cells be written more often."""


class Settling:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def step(self, workspace: str) -> int:
        """Adds changes if there are many; how many it added."""
        return await self._settle(workspace, _MANY_CHANGES)

    async def finish(self, workspace: str) -> int:
        """Adds changes if there are any."""
        return await self._settle(workspace, 1)

    async def _settle(self, workspace: str, at_least: int) -> int:
        lanes = self._lanes
        lease = settle_lease(workspace)
        epoch = lanes.leases.held.get(lease)
        if epoch is None:
            return 0
        async with lanes.turn, lanes.state.write(snapshot=True) as connection:
            active = {build.number for build in await builds.active(connection, workspace)}
            settled = await store.settle(connection, lanes.state, workspace, at_least, active)
            if settled:
                await builds.hold(connection, workspace)
                await lanes.leases.check(connection, {lease: epoch})
        return settled
