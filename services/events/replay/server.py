"""Replaying on PostgreSQL: into tables of a schema beside, which take the place of the others in one transaction.

Projectors go on with the tables in use meanwhile. At the end they are kept from their leases for a moment, in which the
new tables catch up with the old ones; so whatever could be read before the switch can be read after it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Conflict
from infra.chassis.migrations import upgrade
from services.events.intake.position import Place
from services.events.intake.store import LogStore
from services.events.models import builds
from services.events.projector import cursor, dirty
from services.events.projector.leases import database_now
from services.events.projector.progress import Progress
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from services.events.replay.crew import Sites
from services.events.replay.keeping import PUBLISHED, keep_former_instances
from services.events.replay.rebuild import Rebuild
from services.events.replay.watching import Stage, Watch
from services.events.settings import Settings
from services.events.stores import STATE_MIGRATIONS, Stores
from services.events.tables import cursors, leases, projectors, state_metadata

SCHEMA = "klantreis_replay"
_ONE_AT_A_TIME = 0x6B6C7265  # "klre"
_STAYING = {leases.name, projectors.name, *(table.name for table in PUBLISHED)}
_REPLACED = [table.name for table in state_metadata.sorted_tables if table.name not in _STAYING]
_SMALL_LAG, _LEAST_LAG = 1_000, 50  # entries, which are caught up within the moment of the switch
_MOMENT_SECONDS = 5.0
_LEASE_MICROSECONDS = 10_000_000  # no projector is held up for longer, whatever becomes of the replay
_LOCK_MILLISECONDS = 300  # less than deadlock_timeout: of two that wait for each other it is the replay that gives way
_RENEW_SECONDS = 0.5
_PAUSE_SECONDS = 0.05
_NOT_ALLOWED, _LOCKED = "42501", "55P03"  # SQLSTATE


async def replay_on_server(settings: Settings, clock: Clock, watch: Watch) -> int:
    """How many entries of the log were replayed. Raises Conflict if another replay runs."""
    stores = Stores(settings)
    async with stores.opened(), _alone(stores.state):
        sites = Sites(settings.log_database_url, settings.state_database_url, settings.state_database_url, SCHEMA)
        try:
            await _new_schema(stores.state)
            async with sites.opened() as (_log, draft, _aside):
                await upgrade(draft, STATE_MIGRATIONS)
                slots = await Rebuild(sites, watch).run(clock())
                async with draft.write() as connection:
                    await connection.execute(text(f"ANALYZE {', '.join(_REPLACED)}"))
                await Switch(stores, draft, clock, watch).run()
        finally:
            await _drop_schema(stores.state)
    return slots


@asynccontextmanager
async def _alone(state: Database) -> AsyncIterator[None]:
    """Held by a session of its own, so that it is let go however the replay ends."""
    async with state.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        free = await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _ONE_AT_A_TIME})
        if not free:
            raise Conflict("Another replay runs on this database. Wait until it ends.")
        yield
        await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _ONE_AT_A_TIME})


async def _new_schema(state: Database) -> None:
    await _drop_schema(state)
    try:
        async with state.write() as connection:
            await connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        raise Conflict("A replay builds in a schema of its own: GRANT CREATE ON DATABASE to this user.") from error


async def _drop_schema(state: Database) -> None:
    """What an interrupted replay left behind, too."""
    async with state.write() as connection:
        await connection.execute(text("SET LOCAL client_min_messages = warning"))
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


class Switch:
    """From tables that were filled up to some moment to tables that everybody uses."""

    def __init__(self, stores: Stores, draft: Database, clock: Clock, watch: Watch) -> None:
        self._state = stores.state
        self._draft = draft
        self._watch = watch
        self._log = LogStore(stores.log)
        self._progress = Progress(self._log, draft)
        self._projector = Projector(stores.log, draft, clock, Wakeup())
        self._renewed = float("-inf")
        self._name = f"replay-{secrets.token_hex(4)}"

    async def run(self) -> None:
        """Until it has come about; a switch that cannot be made in its moment is tried again."""
        try:
            lag = _SMALL_LAG
            await self._catch_up(lag)
            while not await self._try():
                lag = max(lag // 2, _LEAST_LAG)  # projectors must not be held up again for nothing
                await self._catch_up(lag)
        finally:
            await self._projector.close()

    async def _catch_up(self, enough: int) -> None:
        """Projects what has come in since, until at most so many entries are left."""
        while True:
            await self._round()
            statuses = [await self._progress.status(workspace) for workspace in await self._log.workspaces()]
            logged, lag = (sum(getattr(status, name) for status in statuses) for name in ("logged", "lag"))
            self._watch(Stage.CATCHING_UP, logged - lag, logged)
            if lag <= enough and not any(status.rebuilding for status in statuses):
                return

    async def _round(self) -> None:
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            await self._projector.renew()
            self._renewed = time.monotonic()
        if not await self._projector.round():
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _try(self) -> bool:
        """Whether the switch was made; if not, projectors have gone on as before."""
        self._watch(Stage.SWITCHING, 0, 0)
        until = time.monotonic() + _MOMENT_SECONDS
        await self._hold()
        try:
            places = await self._places(self._state)
            while not await self._has_reached(places):
                if time.monotonic() > until:
                    return False
                await self._round()
            await self._keep()
            while time.monotonic() < until:
                if await self._replace():
                    return True
            return False
        finally:
            await self._let_go()

    async def _hold(self) -> None:
        """From here on no step of a projector commits: its leases belong to somebody else."""
        async with self._state.write() as connection:
            beat = {"owner": self._name, "expires_at": database_now() + _LEASE_MICROSECONDS}
            await connection.execute(insert(projectors).values(beat))
            await connection.execute(update(leases).values(owner=self._name, epoch=leases.c.epoch + 1))

    async def _let_go(self) -> None:
        async with self._state.write() as connection:
            await connection.execute(update(leases).where(leases.c.owner == self._name).values(owner=None))
            await connection.execute(delete(projectors).where(projectors.c.owner == self._name))

    async def _places(self, database: Database) -> dict[str, Place]:
        async with database.read() as connection:
            workspaces = (await connection.execute(select(cursors.c.workspace))).scalars()
            return {workspace: (await cursor.read(connection, workspace))[0] for workspace in list(workspaces)}

    async def _has_reached(self, places: Mapping[str, Place]) -> bool:
        """Whether everything up to these places can be seen, whatever has come in since."""
        now = await self._places(self._draft)
        if any(workspace not in now or now[workspace] < place for workspace, place in places.items()):
            return False
        async with self._draft.read() as connection:
            for workspace, place in places.items():
                mark = await dirty.first(connection, workspace)
                if (mark and mark <= place) or await builds.rebuilds(connection, workspace):
                    return False
        return True

    async def _keep(self) -> None:
        """Committed before the switch, so that a reader who waits for it sees these rows in whatever snapshot."""
        schema = await self._schema()
        async with self._draft.write() as connection:
            await connection.execute(text(keep_former_instances(schema)))

    async def _schema(self) -> str:
        """Where the tables in use are, quoted."""
        async with self._state.read() as connection:
            return str(await connection.scalar(text("SELECT quote_ident(current_schema())")))

    async def _replace(self) -> bool:
        """Whether the tables could be had for oneself. Then nothing but their names is changed."""
        schema = await self._schema()
        in_use = ", ".join(f"{schema}.{name}" for name in _REPLACED)
        try:
            async with self._state.write() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
                await connection.execute(text(f"LOCK TABLE {in_use} IN ACCESS EXCLUSIVE MODE"))
                held = await connection.scalar(select(leases.c.name).where(leases.c.owner != self._name).limit(1))
                if held is not None:
                    return False  # it took too long: projectors have helped themselves
                await connection.execute(text(f"DROP TABLE {in_use}"))
                for name in _REPLACED:
                    await connection.execute(text(f"ALTER TABLE {SCHEMA}.{name} SET SCHEMA {schema}"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCKED:
                raise
            return False
        return True
