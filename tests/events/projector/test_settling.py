"""What is added to the counters while other things change beside it, on PostgreSQL: only there is a beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from services.events import tables
from services.events.models import builds
from services.events.projector.leases import LeaseLost, settle_lease
from tests.events.projector.hands import Hands
from tests.events.projector.test_projection import SHOP, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality

PATIENCE_SECONDS = 20
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def folded(postgresql_url: str) -> AsyncIterator[Reality]:
    """Some customers are folded, and nothing of them is added to the counters yet."""
    async with Reality(postgresql_url) as reality:
        reality.now = EPOCH + 30 * DAY
        await reality.publish([SHOP])
        await reality.record([event(f"{number}", "View", number, ("user_id", f"u{number}")) for number in range(5)])
        async with Hands(reality) as hands:
            await hands.identify()
            while await hands.fold():
                pass
        assert await reality.rows(tables.counter_changes) != []
        yield reality


async def somebody_waits(reality: Reality) -> bool:
    async with reality.state.read() as connection:
        return bool((await connection.exec_driver_sql(WAITING)).scalar_one())


@asynccontextmanager
async def settling(reality: Reality, hands: Hands) -> AsyncIterator[asyncio.Task[int]]:
    """Somebody adds up, and is held up where nothing but the commit is left."""
    async with reality.state.write() as connection:
        await connection.execute(select(tables.counter_changes.c.number).with_for_update())
        task = asyncio.create_task(hands.settle())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await somebody_waits(reality):
                pass
        yield task


async def test_what_was_folded_is_added_up_once(folded: Reality) -> None:
    async with Hands(folded) as hands:
        assert await hands.settle() > 0
        assert await hands.settle() == 0
    assert await folded.rows(tables.counter_changes) == []
    assert await folded.rows(tables.counters) != []


async def test_nothing_is_added_for_a_build_that_is_swept_away_meanwhile(folded: Reality) -> None:
    """Its counters would be left behind for ever."""
    async with Hands(folded) as hands:
        async with settling(folded, hands) as task:
            await retire_and_sweep(folded)
        with pytest.raises(DBAPIError, match="could not serialize access"):
            await task
        assert await folded.rows(tables.counters) == []
        await hands.settle()
    assert await folded.rows(tables.counters) == []
    assert await folded.rows(tables.counter_changes) == []


async def test_who_lost_the_lease_meanwhile_adds_nothing(folded: Reality) -> None:
    async with Hands(folded) as hands:
        async with settling(folded, hands) as task, folded.state.write() as connection:
            another = update(tables.leases).where(tables.leases.c.name == settle_lease(WORKSPACE))
            await connection.execute(another.values(owner="another", epoch=tables.leases.c.epoch + 1))
        with pytest.raises(LeaseLost):
            await task
    assert await folded.rows(tables.counters) == []
    assert await folded.rows(tables.counter_changes) != []


async def retire_and_sweep(reality: Reality) -> None:
    async with reality.state.write() as connection:
        [live] = await builds.active(connection, WORKSPACE)
        await connection.execute(update(tables.builds).values(state="RETIRED"))
        progress = {"workspace": WORKSPACE, "build": live.number, "partition": -1, "after": b"", "folded": 0}
        await connection.execute(insert(tables.build_progress), progress | {"done": False})
    swept = 1
    while swept:
        async with reality.state.write() as connection:
            swept = await builds.sweep(connection, WORKSPACE, live.number, 100)
    assert await reality.rows(tables.builds) == []
