"""Keeps both stages going: leases renewed beside the work, failures survived, woken by the log and by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
from sqlalchemy.exc import DBAPIError

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from infra.chassis.notices import Channel
from infra.chassis.tasks import finished
from infra.chassis.telemetry import named
from services.events.feeds.feed import PROGRESS_CHANNEL
from services.events.intake.store import NOTIFY_CHANNEL, LogStore
from services.events.models.queries import Models
from services.events.projector.catching_up import CatchingUp
from services.events.projector.fold import Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import LEASE_MICROSECONDS, LeaseLost, Leases, lease_names
from services.events.projector.metrics import FAILURES, LEASES, measured
from services.events.projector.pulse import Pulse
from services.events.projector.settling import Settling
from services.events.projector.slow import SlowLane
from services.events.projector.wakeup import Wakeup
from services.events.projector.withdrawing import Withdrawing
from services.events.timeline.reader import EntryReader

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 0.5  # how late a deadline may be noticed, and the safety net under missed notices
_RENEW_SECONDS = LEASE_MICROSECONDS / 1_000_000 / 3
_PAUSE_AFTER_FAILURE_SECONDS = 0.25
_FINISH_SECONDS = 5.0
_MANY_SLOTS = 2_000
_HELD_BACK_SECONDS = 0.5
_SLOW_LOOK_SECONDS = 0.05
_AT_REST_SECONDS = 1.0
"""Without folding: what changes again and again would be added up again and again. It knows the first lane of this
process only: while others fold, counters are written more often than they need be."""


class Projector:
    """One projector process, or the projecting part of the all-in-one process."""

    def __init__(
        self,
        log_database: Database,
        state: Database,
        clock: Clock,
        wakeup: Wakeup,
        on_progress: Callable[[], None] = lambda: None,
        pulse: Pulse | None = None,
    ) -> None:
        """`on_progress` is called after each step that did something; on PostgreSQL other processes are told too."""
        self._state = state
        self._log = LogStore(log_database)
        self._wakeup = wakeup
        self._leases = Leases(state, secrets.token_hex(8), clock, exclusive=state.is_sqlite)
        self._on_progress = on_progress
        self._pulse = pulse or Pulse()
        self._progressed = asyncio.Event()
        self._channel = None if log_database.is_sqlite else Channel(log_database, NOTIFY_CHANNEL, wakeup.ring)
        reader = EntryReader(self._log)
        lanes = Lanes(self._log, state, reader, Models(state), self._leases, clock)
        settling = Settling(lanes)
        self._identify = measured("identify", Identify(self._log, state, reader, self._leases).step)
        self._fold = measured("fold", Fold(lanes).step)
        self._slow = measured("slow", SlowLane(lanes).step)
        self._settle = measured("settle", settling.finish)
        self._background = (
            measured("catch up", CatchingUp(lanes).step),
            measured("settle", settling.step),
            measured("withdraw", Withdrawing(lanes).step),
        )
        self._fold_wakeup = Wakeup()
        self._no_flood = asyncio.Event()
        self._turns = asyncio.Semaphore(1 if state.is_sqlite else 2)  # where there is one writer, stages take turns
        self._folded_at = float("-inf")
        self._workspaces: list[str] = []

    async def run(self) -> None:
        """Projects until cancelled, then closes."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_leases(), name="projector leases")
                tasks.create_task(self._keep_identifying(), name="identify")
                tasks.create_task(self._keep_folding(), name="fold")
                tasks.create_task(self._keep_background(), name="background")
                tasks.create_task(self._keep_slow_lane(), name="slow lane")
                if self._channel:
                    tasks.create_task(self._keep_telling(self._channel), name="telling of progress")
        finally:
            await self.close()

    async def round(self) -> int:
        """One step of each stage and lane for each workspace; how much was done."""
        stages = (self._identify, self._fold, *self._background)
        done = sum([await self._each(step) for step in stages]) + (await self._survive(self._slow) or 0)
        return done or await self._each(self._settle)

    async def renew(self) -> None:
        """Looks for new workspaces, keeps or takes leases."""
        self._workspaces = await self._log.workspaces()
        await self._leases.renew(lease_names(self._workspaces))
        if self._channel:
            await self._channel.ensure()
        self._pulse.beat()
        LEASES.set(len(self._leases.held))

    async def _keep_leases(self) -> None:
        while True:
            held = set(self._leases.held)
            await self._survive(self.renew)
            if set(self._leases.held) - held:
                self._wakeup.ring()
                self._fold_wakeup.ring()
            await asyncio.sleep(_RENEW_SECONDS)

    async def _keep_identifying(self) -> None:
        """Beside the fold, so that one stage works while the other waits for the database."""
        while True:
            async with self._turns:
                slots = await self._each(self._identify)
            if slots < _MANY_SLOTS:
                self._no_flood.set()
            else:
                self._no_flood.clear()
            if slots:
                self._fold_wakeup.ring()
            else:
                await self._wakeup.wait(_IDLE_SECONDS)

    async def _keep_folding(self) -> None:
        """In a flood of events the fold holds back for a while: whom it folded would only be asked for again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HELD_BACK_SECONDS):
                    await self._no_flood.wait()
            async with self._turns:
                folded = await self._each(self._fold)
            if folded:
                self._folded_at = time.monotonic()
                self._wakeup.ring()  # on PostgreSQL the log cannot be read past an open transaction, such as this was
            else:
                await self._fold_wakeup.wait(_IDLE_SECONDS)

    async def _keep_background(self) -> None:
        """One step of these lanes for each of the fold, so that a rebuild holds up nobody and is held up by nobody."""
        while True:
            async with self._turns:
                done = sum([await self._each(step) for step in self._background])
                if not done and time.monotonic() - self._folded_at > _AT_REST_SECONDS:
                    await self._each(self._settle)
            if not done:
                await asyncio.sleep(_IDLE_SECONDS)

    async def _keep_slow_lane(self) -> None:
        while True:
            if await self._survive(self._slow):
                self._note_progress()
                self._wakeup.ring()
                self._fold_wakeup.ring()
            else:
                await asyncio.sleep(_SLOW_LOOK_SECONDS)

    async def _each(self, step: Callable[[str], Awaitable[int]]) -> int:
        """One step for each workspace; how much was done."""
        done = 0
        for workspace in self._workspaces:
            # What fails in one workspace is no reason to leave out the others.
            done += await self._survive(partial(step, workspace), workspace) or 0
        if done:
            self._note_progress()
        return done

    def _note_progress(self) -> None:
        self._progressed.set()
        self._on_progress()

    async def _keep_telling(self, channel: Channel) -> None:
        """After the commit, so that no step waits for it; several steps in one notice, if it takes that long."""
        while True:
            await self._progressed.wait()
            self._progressed.clear()
            await self._survive(partial(channel.notify, PROGRESS_CHANNEL))

    async def _survive(self, work: Callable[[], Awaitable[int | None]], workspace: str | None = None) -> int | None:
        """A step that fails changed nothing; it is tried again after a short pause, and every failure is said."""
        try:
            return await finished(work(), _FINISH_SECONDS)
        except LeaseLost as lost:
            _log.warning("lease lost", extra={"detail": str(lost)})
        except (Unavailable, DBAPIError, asyncpg.PostgresError, OSError) as error:
            _log.warning("the projector tries again", extra=named(error) | {"workspace": workspace})
        except Exception:
            _log.exception("the projector failed unexpectedly and tries again", extra={"workspace": workspace})
        FAILURES.inc()
        await asyncio.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
        return None

    async def close(self) -> None:
        """Gives the leases back, so that others go on at once."""
        with contextlib.suppress(Unavailable, DBAPIError, OSError):
            await self._leases.release()
        if self._channel:
            await self._channel.close()
