"""What a transaction promises, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, Table, select

from infra.chassis.database import Database, insert_rows, new_metadata

METADATA = new_metadata()
THINGS = Table("things", METADATA, Column("number", Integer, primary_key=True))


class Interrupted(Exception):
    """Thrown amid a transaction."""


async def numbers(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(select(THINGS.c.number).order_by(THINGS.c.number))).scalars())


@pytest.fixture
async def database(database_url: str):  # type: ignore[no-untyped-def]
    opened = Database(database_url)
    async with opened.write() as connection:
        await connection.run_sync(METADATA.create_all)
    yield opened
    await opened.close()


async def test_a_transaction_commits_once_at_its_end(database: Database) -> None:
    async with database.write() as connection:
        await insert_rows(connection, THINGS, ("number",), [(1,), (2,)])
        assert await numbers(database) == []
    assert await numbers(database) == [1, 2]


async def test_an_interrupted_transaction_leaves_nothing_even_if_a_bulk_insert_was_its_first_statement(
    database: Database,
) -> None:
    with pytest.raises(Interrupted):
        async with database.write() as connection:
            await insert_rows(connection, THINGS, ("number",), [(1,)])
            raise Interrupted
    assert await numbers(database) == []


async def test_a_read_never_commits(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(THINGS.insert().values(number=1))
    assert await numbers(database) == []
