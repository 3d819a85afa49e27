"""The throw-away databases are what they claim to be."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from tests.support.databases import postgres_server


async def test_each_test_gets_an_empty_database_that_the_chassis_opens(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE seen (at INTEGER)"))
        await connection.execute(text("INSERT INTO seen VALUES (1)"))
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT at FROM seen"))).scalar_one() == 1
    await database.close()


async def test_a_crashed_server_comes_back_with_what_was_committed() -> None:
    with postgres_server() as server:
        database = Database(server.create_database("crash"))
        async with database.write() as connection:
            await connection.execute(text("CREATE TABLE kept AS SELECT 7 AS value"))
        server.stop(immediate=True)
        with pytest.raises(Unavailable):
            async with database.read() as connection:
                await connection.execute(text("SELECT 1"))
        server.start()
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT value FROM kept"))).scalar_one() == 7
        await database.close()
