"""Replaying on PostgreSQL: into tables of a schema beside, which take the place of the others in one transaction.

Projectors go on with the tables in use meanwhile; see switching.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Conflict
from infra.chassis.migrations import upgrade
from services.events.replay.crew import Sites
from services.events.replay.rebuild import Rebuild
from services.events.replay.switching import REPLACED, Switch
from services.events.replay.watching import Watch
from services.events.settings import Settings
from services.events.stores import STATE_MIGRATIONS, Stores

SCHEMA = "klantreis_replay"
_ONE_AT_A_TIME = 0x6B6C7265  # "klre"
_NOT_ALLOWED = "42501"  # SQLSTATE


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
                    await connection.execute(text(f"ANALYZE {', '.join(REPLACED)}"))
                await Switch(stores, draft, SCHEMA, clock, watch).run()
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
