"""A PostgreSQL that is away is told as Unavailable, whichever way it says so; mistakes of ours stay what they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, insert_rows
from infra.chassis.errors import Unavailable

_NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


@pytest.fixture
async def database(postgresql_url: str) -> AsyncIterator[Database]:
    opened = Database(postgresql_url)
    async with opened.write() as connection:
        await connection.run_sync(_NUMBERS.metadata.create_all)
    yield opened
    await opened.close()


async def end_session_of(connection: AsyncConnection, database: Database) -> None:
    """As an administrator, or a server that shuts down, would end it."""
    pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with database.read() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def test_a_session_that_the_server_ends(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.write() as connection:
            await end_session_of(connection, database)
            await connection.execute(_NUMBERS.select())


async def test_a_session_that_the_server_ends_before_a_copy(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.write() as connection:
            await end_session_of(connection, database)
            await insert_rows(connection, _NUMBERS, ["number"], [(1,)])


async def test_a_server_that_takes_no_more_connections(database: Database, postgresql_url: str) -> None:
    """SQLSTATE class 53, and like 57P03 of a server that is starting it comes while connecting."""
    name = postgresql_url.partition("@/")[2].partition("?")[0]
    async with database.write() as connection:
        await connection.execute(text(f'ALTER DATABASE "{name}" CONNECTION LIMIT 1'))
        await connection.execute(text("CREATE ROLE visitor LOGIN"))
    visitor = Database(postgresql_url.replace("klantreis@", "visitor@"))
    try:
        with pytest.raises(Unavailable):
            async with visitor.read():
                pass
    finally:
        await visitor.close()
        async with database.write() as connection:
            await connection.execute(text("DROP ROLE visitor"))


async def test_a_mistake_of_ours(database: Database) -> None:
    with pytest.raises(DBAPIError, match="no_such_table"):
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
