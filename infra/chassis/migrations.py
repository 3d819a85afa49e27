"""Alembic, run from inside: every store has a history of its own, and migrations build every schema, tests included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from infra.chassis.database import Database

_LOCK = 0x6B6C616E  # "klan": one process migrates, the others wait


async def upgrade(database: Database, folder: Path) -> None:
    """Brings a database to the newest revision in `folder`; processes that start together do it once."""
    unhurried = database.unhurried()
    try:
        async with unhurried.write() as connection:
            if not database.is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade, folder)
    finally:
        await unhurried.close()


async def drift(database: Database, folder: Path, metadata: MetaData) -> list[Any]:
    """What the migrated database and the tables in code disagree on; empty when they are the same."""

    def compare(connection: Connection) -> list[Any]:
        migrated = MigrationContext.configure(
            connection,
            opts={"version_table": version_table(folder), "compare_type": True, "include_object": _own(metadata)},
        )
        return list(compare_metadata(migrated, metadata))

    async with database.read() as connection:
        return await connection.run_sync(compare)


def version_table(folder: Path) -> str:
    """Several histories can live in one PostgreSQL database, so each has a version table named after its folder."""
    return (
        f"alembic_version_{folder.parent.name}_{folder.name}"
        if folder.name != "migrations"
        else f"alembic_version_{folder.parent.name}"
    )


def run_environment(folder: Path, metadata: MetaData) -> None:
    """The whole of an `env.py`: migrations run on the connection that `upgrade` opened."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=version_table(folder),
        include_object=_own(metadata),
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _upgrade(connection: Connection, folder: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _own(metadata: MetaData) -> Any:
    """Tables of another history in the same database are not ours to compare."""
    return lambda _object, name, kind, reflected, _to: (
        not (kind == "table" and reflected and name not in metadata.tables)
    )
