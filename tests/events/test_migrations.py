"""What a migration makes of rows that are there."""

from __future__ import annotations

import msgspec
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events.insights import store
from services.events.insights.domain import Counts
from services.events.stores import STATE_MIGRATIONS

_DAY, _MONTH = 20_000, 19_997
"""The fourth and the first of October 2024."""
_VIEWED, _EDGE = "b\0viewed", "viewed\0cart"


async def test_counters_of_partitions_become_those_of_the_workspace(database_url: str) -> None:
    """With what was still to be added to them."""
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_upgrade_to, "0002")
        for partition, day, value, body in (
            (0, _DAY, "web", ({_VIEWED: 2}, {_EDGE: {7: 1, 9: 2}})),
            (1, _DAY, "web", ({_VIEWED: 3}, {_EDGE: {7: 4}})),
            (1, _DAY, "app", ({_VIEWED: 1}, {})),
            (0, _DAY + 1, "web", ({_VIEWED: 4}, {})),
        ):
            row = {"partition": partition, "day": day, "value": value, "body": msgspec.msgpack.encode(body)}
            await connection.execute(text(_COUNTER), row)
        profile = (1, 5, 1, _DAY, "app", None, "site", None)
        part = (profile, [(("b", "viewed"), 1)], [(("viewed", "cart", 8), 1)])
        await connection.execute(text(_CHANGE), {"body": msgspec.msgpack.encode([part])})

    await upgrade(database, STATE_MIGRATIONS)

    async with database.read() as connection:
        found = {
            (cell.span, cell.day, cell.dimension, cell.value): store.counts_in(*sums)
            for cell, sums in (await store.counted(connection, "default")).items()
        }
    await database.close()
    added = Counts({_VIEWED: 1, f"f\0{_EDGE}": 1}, {_EDGE: {8: 1}})
    web = Counts({_VIEWED: 5, f"f\0{_EDGE}": 7}, {_EDGE: {7: 5, 9: 2}})
    assert found == {
        ("day", _DAY, "", ""): added,
        ("day", _DAY, "source", "site"): added,
        ("day", _DAY, "channel", "web"): web,
        ("day", _DAY, "channel", "app"): Counts({_VIEWED: 2, f"f\0{_EDGE}": 1}, {_EDGE: {8: 1}}),
        ("day", _DAY + 1, "channel", "web"): Counts({_VIEWED: 4}, {}),
        ("month", _MONTH, "", ""): added,
        ("month", _MONTH, "source", "site"): added,
        ("month", _MONTH, "channel", "web"): Counts(web.plain | {_VIEWED: 9}, web.gaps),
        ("month", _MONTH, "channel", "app"): Counts({_VIEWED: 2, f"f\0{_EDGE}": 1}, {_EDGE: {8: 1}}),
    }


_COUNTER = """
    INSERT INTO counters (workspace, build, version, day, dimension, value, partition, body)
    VALUES ('default', 5, 1, :day, 'channel', :value, :partition, :body)
"""
_CHANGE = "INSERT INTO counter_changes (workspace, partition, body) VALUES ('default', 1, :body)"


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(STATE_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
