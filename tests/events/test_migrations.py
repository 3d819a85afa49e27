"""What a migration makes of rows that are there."""

from __future__ import annotations

import msgspec
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events.insights import store
from services.events.insights.domain import Cell, Counts
from services.events.stores import STATE_MIGRATIONS

_VIEWED, _EDGE = "b\0viewed", "viewed\0cart"


async def test_counters_of_partitions_become_those_of_the_workspace(database_url: str) -> None:
    """With what was still to be added to them."""
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_upgrade_to, "0002")
        for partition, value, body in (
            (0, "web", ({_VIEWED: 2}, {_EDGE: {7: 1, 9: 2}})),
            (1, "web", ({_VIEWED: 3}, {_EDGE: {7: 4}})),
            (1, "app", ({_VIEWED: 1}, {})),
        ):
            row = {"partition": partition, "value": value, "body": msgspec.msgpack.encode(body)}
            await connection.execute(text(_COUNTER), row)
        profile = (1, 5, 1, 20_000, "app", None, "site", None)
        part = (profile, [(("b", "viewed"), 1)], [(("viewed", "cart", 8), 1)])
        await connection.execute(text(_CHANGE), {"body": msgspec.msgpack.encode([part])})

    await upgrade(database, STATE_MIGRATIONS)

    async with database.read() as connection:
        found = {
            (cell.dimension, cell.value): store.counts_in(*sums)
            for cell, sums in (await store.counted(connection, "default")).items()
        }
        assert Cell(5, 1, 20_000, "channel", "web") in await store.counted(connection, "default")
    await database.close()
    added = Counts({_VIEWED: 1, f"f\0{_EDGE}": 1}, {_EDGE: {8: 1}})
    assert found == {
        ("", ""): added,
        ("source", "site"): added,
        ("channel", "web"): Counts({_VIEWED: 5, f"f\0{_EDGE}": 7}, {_EDGE: {7: 5, 9: 2}}),
        ("channel", "app"): Counts({_VIEWED: 2, f"f\0{_EDGE}": 1}, {_EDGE: {8: 1}}),
    }


_COUNTER = """
    INSERT INTO counters (workspace, build, version, day, dimension, value, partition, body)
    VALUES ('default', 5, 1, 20000, 'channel', :value, :partition, :body)
"""
_CHANGE = "INSERT INTO counter_changes (workspace, partition, body) VALUES ('default', 1, :body)"


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(STATE_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
