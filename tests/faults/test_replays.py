"""Replays one after the other, while everything works under load: nobody who follows what is published notices."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from infra.chassis.database import Database
from services.events import tables
from services.events.changes import store
from tests.support.load import Load
from tests.support.platform import COMMAND, Platform, four_processes, until
from tests.support.reality import WORKSPACE
from tests.support.stories import shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

_REPLAYS = 5
_JOURNEY = shop_journey("shop")


@pytest.mark.timeout(200)
def test_nothing_is_published_twice_or_never(tmp_path: Path, postgresql_url: str, seed: int) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.publish(_JOURNEY)
        with Load(platform, seed) as load:
            for number in range(_REPLAYS):
                enough = 500 * (number + 1)
                until(lambda enough=enough: load.acknowledged > enough, 30, "the load goes on")
                replay(platform)
            load.finish(30)
        platform.settle()
        print(verify(postgresql_url, postgresql_url, _JOURNEY, load.ledgers))
        until(lambda: not asyncio.run(moving(postgresql_url)), 10, "what nobody takes over is withdrawn")
    changes, instances = asyncio.run(published(postgresql_url))
    print(f"{changes} changes of {instances} instances")
    assert changes > instances > 0


def replay(platform: Platform) -> None:
    environment = next(iter(platform.processes.values())).environment
    subprocess.run([str(COMMAND), "replay"], env=dict(environment), check=True, capture_output=True, timeout=60)


async def moving(url: str) -> int:
    """How many instances are on their way from one customer to another."""
    state = Database(url)
    try:
        async with state.read() as connection:
            return await connection.scalar(select(func.count()).select_from(tables.moving_instances)) or 0
    finally:
        await state.close()


async def published(url: str) -> tuple[int, int]:
    """How many changes there were, of how many instances that there are.

    What begins is not there, what ends or is corrected is, and what is there at last is known.
    """
    state = Database(url)
    try:
        async with state.read(snapshot=True) as connection:
            changes = [one.change for one in await store.read_after(connection, WORKSPACE, None, 1_000_000)]
            there = set((await connection.execute(select(tables.instances.c.instance))).scalars())
    finally:
        await state.close()
    known: set[bytes] = set()
    for change in changes:
        assert (change.previous_status is None) == (change.instance not in known)
        if change.status is None:
            known.remove(change.instance)
        else:
            known.add(change.instance)
    assert known == there
    return len(changes), len(there)
