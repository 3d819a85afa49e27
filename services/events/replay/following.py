"""Projecting what comes in while a replay works."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from services.events.intake.store import LogStore
from services.events.models import builds
from services.events.projector.progress import Progress
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup

_RENEW_SECONDS = 0.5
_PAUSE_SECONDS = 0.05


class Standing(NamedTuple):
    """How far a state is, all workspaces together."""

    logged: int
    lag: int
    filling: bool
    """Whether a journey that readers see is not filled with all customers."""
    rebuilding: bool


class Follower:
    """Projects what comes in, in one state."""

    def __init__(self, log: Database, state: Database, clock: Clock) -> None:
        self._log = LogStore(log)
        self._state = state
        self._progress = Progress(self._log, state)
        self._projector = Projector(log, state, clock, Wakeup())
        self._renewed = float("-inf")

    async def round(self) -> None:
        """The next steps, if this process owns any of the work; others may be at it, too."""
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            await self._projector.renew()
            self._renewed = time.monotonic()
        if not await self._projector.round():
            await asyncio.sleep(_PAUSE_SECONDS)

    async def status(self) -> Standing:
        workspaces = await self._log.workspaces()
        statuses = [await self._progress.status(workspace) for workspace in workspaces]
        async with self._state.read() as connection:
            hidden = [await builds.hidden(connection, workspace) for workspace in workspaces]
        return Standing(
            sum(status.logged for status in statuses),
            sum(status.lag for status in statuses),
            any(one.since is not None for one in hidden),
            any(status.rebuilding for status in statuses),
        )

    async def close(self) -> None:
        await self._projector.close()
