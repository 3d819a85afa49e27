"""Retired builds are swept away, whoever does it."""

from __future__ import annotations

from sqlalchemy import insert

from services.events import tables
from services.events.models import builds
from tests.events.projector.first_stage import FirstStage
from tests.support.histories import DAY, EPOCH


async def test_two_processes_that_sweep_at_once_leave_nothing_behind(postgresql_url: str) -> None:
    async with FirstStage(postgresql_url) as stage:
        stage.now = EPOCH + 10 * DAY
        retired = {"build": 1, "xid": 1, "journey": "shop", "versions": "[1]", "state": "RETIRED"}
        progress = {"build": 1, "partition": -1, "after": b"", "folded": 0, "done": False}
        cell = {"build": 1, "version": 1, "span": "day", "dimension": "", "value": "", "body": b"x", "gaps": b""}
        async with stage.state.write() as connection:
            for table, rows in (
                (tables.builds, [retired]),
                (tables.build_progress, [progress]),
                (tables.counters, [cell | {"day": day} for day in range(10)]),
            ):
                await connection.execute(insert(table), [{"workspace": "default"} | row for row in rows])
        async with stage.state.write() as first:
            assert await builds.sweep(first, "default", 1, 5) == 5
            async with stage.state.write() as second:
                assert await builds.sweep(second, "default", 1, 5) == 0
        assert len(await stage.rows(tables.counters)) == 5
        assert len(await stage.rows(tables.builds)) == 1
