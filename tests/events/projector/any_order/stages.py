"""The stages and lanes of one projector process, which a test takes one by one."""

from __future__ import annotations

import asyncio
import secrets

from services.events import tables
from services.events.models.queries import Models
from services.events.projector.catching_up import CatchingUp
from services.events.projector.fold import Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases, lease_names
from services.events.projector.settling import Settling
from services.events.projector.slow import SlowLane
from services.events.timeline.reader import EntryReader
from tests.support.reality import WORKSPACE, Reality

_LEASES = lease_names([WORKSPACE])
_PATIENCE_SECONDS = 60


class Stages:
    """Takes the place of the reality's own projector. Open with `async with`."""

    def __init__(self, reality: Reality) -> None:
        self._reality = reality
        self._leases = Leases(
            reality.state, secrets.token_hex(8), lambda: reality.now, exclusive=reality.state.is_sqlite
        )
        reader = EntryReader(reality.log)
        self.lanes = Lanes(reality.log, reality.state, reader, Models(reality.state), self._leases, lambda: reality.now)
        self._identify = Identify(reality.log, reality.state, reader, self._leases)
        self._fold = Fold(self.lanes)
        self._catching_up = CatchingUp(self.lanes)
        self._slow = SlowLane(self.lanes)
        self._settling = Settling(self.lanes)

    async def __aenter__(self) -> Stages:
        await self._reality.projector.close()
        await self._leases.renew(_LEASES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leases.release()

    async def identify(self) -> None:
        """All that is logged. On PostgreSQL other tests' transactions may hold the end of the log back."""
        logged = (await self._reality.progress.status(WORKSPACE)).logged
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while sum(row.slots for row in await self._reality.rows(tables.cursors)) < logged:
                await self._identify.step(WORKSPACE)

    async def fold(self) -> int:
        """One step of the first lane."""
        return await self._fold.step(WORKSPACE)

    async def catch_up(self) -> int:
        """One step of the lane of rebuilds."""
        return await self._catching_up.step(WORKSPACE)

    async def finish(self) -> None:
        """Everything until nothing is left to do."""
        await self.identify()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (
                await self.fold()
                or await self._slow.step()
                or await self.catch_up()
                or await self._settling.finish(WORKSPACE)
            ):
                pass
