"""Putting tables that were filled beside the ones in use in their place, in one transaction, on PostgreSQL.

Projectors go on meanwhile, and this process helps them at the end. Then they are kept from their leases for a moment,
in which both states are brought to the same place: whatever could be read before the switch can be read after it, and
whatever the new tables tell was published by the old ones.
"""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from services.events.intake.position import START
from services.events.intake.store import LogStore
from services.events.models import builds
from services.events.projector.fold import STEP_ERRORS
from services.events.projector.leases import LeaseLost
from services.events.replay.following import Follower
from services.events.replay.keeping import PUBLISHED
from services.events.replay.level import Leveller, places
from services.events.replay.unmade import Kept, Unmade
from services.events.replay.watching import Stage, Watch
from services.events.stores import Stores
from services.events.tables import leases, projectors, state_metadata

_STAYING = {leases.name, projectors.name, *(table.name for table in PUBLISHED)}
REPLACED = [table.name for table in state_metadata.sorted_tables if table.name not in _STAYING]

_log = logging.getLogger(__name__)
_SMALL_LAG, _LEAST_LAG = 1_000, 50  # entries, which are caught up within the moment of the switch
_MOMENT_SECONDS = 5.0
_LOCK_MILLISECONDS = 300  # less than deadlock_timeout: of two that wait for each other it is the replay that gives way
_PAUSE_SECONDS = 0.05
_LOCKED = "55P03"  # SQLSTATE


class Switch:
    """From tables that were filled up to some moment to tables that everybody uses."""

    def __init__(self, stores: Stores, draft: Database, schema: str, clock: Clock, watch: Watch) -> None:
        self._state = stores.state
        self._draft = draft
        self._schema = schema
        self._clock = clock
        self._watch = watch
        self._log = LogStore(stores.log)
        self._followers = [Follower(stores.log, state, clock) for state in (stores.state, draft)]
        self._levellers = [Leveller(stores.log, state) for state in (stores.state, draft)]
        self._unmade = Unmade(stores.state, draft)

    async def run(self) -> None:
        """Until it has come about; a switch that cannot be made in its moment is tried again."""
        try:
            lag = _SMALL_LAG
            while True:
                await self._catch_up(lag)
                kept = await self._unmade.keep(await self._log.workspaces(), await self._schema_in_use())
                await self._catch_up(lag)
                if await self._try(kept):
                    return
                lag = max(lag // 2, _LEAST_LAG)  # projectors must not be held up again for nothing
        finally:
            for follower in self._followers:
                await follower.close()

    async def _catch_up(self, enough: int) -> None:
        """Projects what has come in since, in both states, until at most so many entries are left in each."""
        while True:
            followers = self._followers if await places(self._state) else self._followers[1:]
            await asyncio.gather(*(follower.round() for follower in followers))
            statuses = [await follower.status() for follower in followers]
            lag = max(status.lag for status in statuses)
            logged = max(status.logged for status in statuses)
            self._watch(Stage.CATCHING_UP, logged - lag, logged)
            if lag <= enough and not any(status.filling for status in statuses) and not statuses[-1].rebuilding:
                return

    async def _try(self, kept: Kept) -> bool:
        """Whether the switch was made; if not, projectors have gone on as before."""
        self._watch(Stage.SWITCHING, 0, 0)
        until = time.monotonic() + _MOMENT_SECONDS
        try:
            for leveller in self._levellers:
                await leveller.hold()
            if not await self._level(until) or not await self._unmade.is_all_but_published(kept):
                return False
            while time.monotonic() < until:
                if await self._unmade.keep_published(kept) and await self._replace():
                    return True
                await asyncio.sleep(_PAUSE_SECONDS)
            return False
        except (*STEP_ERRORS, LeaseLost) as error:
            _log.warning("the switch is tried again", extra={"error": type(error).__name__})
            return False
        finally:
            for leveller in self._levellers:
                await leveller.let_go()

    async def _level(self, until: float) -> bool:
        """Whether both states now say the same of the log, as far as either of them had read it."""
        live, draft = await places(self._state), await places(self._draft)
        if not live:
            return True  # nobody has projected yet, so nothing was published that could be gone on with
        ends = {name: max(live.get(name, START), draft.get(name, START)) for name in live.keys() | draft.keys()}
        now = self._clock()
        for leveller in self._levellers:
            if not await leveller.reach(ends, now, lambda: time.monotonic() > until):
                return False
        async with self._draft.read() as connection:
            return not any([await builds.rebuilds(connection, workspace) for workspace in ends])

    async def _schema_in_use(self) -> str:
        """Where the tables in use are, quoted."""
        async with self._state.read() as connection:
            return str(await connection.scalar(text("SELECT quote_ident(current_schema())")))

    async def _replace(self) -> bool:
        """Whether the tables could be had for oneself. Then nothing but their names is changed."""
        schema = await self._schema_in_use()
        in_use = ", ".join(f"{schema}.{name}" for name in REPLACED)
        try:
            async with self._state.write() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
                await connection.execute(text(f"LOCK TABLE {in_use} IN ACCESS EXCLUSIVE MODE"))
                if not await self._levellers[0].holds(connection):
                    return False  # it took too long
                await connection.execute(text(f"DROP TABLE {in_use}"))
                for name in REPLACED:
                    await connection.execute(text(f"ALTER TABLE {self._schema}.{name} SET SCHEMA {schema}"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCKED:
                raise
            return False
        return True
