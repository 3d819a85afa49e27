"""How far reality is processed, as operators read it."""

from __future__ import annotations

import math

from prometheus_client import REGISTRY
from sqlalchemy import text

from services.events.projector.lag import LogMetrics
from services.events.projector.progress import Progress
from tests.events.projector.first_stage import FirstStage, said
from tests.support.histories import EPOCH


def told(unit: str) -> float | None:
    return REGISTRY.get_sample_value(f"klantreis_log_lag_{unit}")


async def test_entries_wait_until_they_are_visible(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        stage.now = EPOCH
        lag = LogMetrics(stage.log, Progress(stage.log, stage.state), lambda: EPOCH + 3_000_000)
        await stage.take(said(1, ("anonymous_id", "a")))
        await lag.refresh()
        waiting = [told("entries"), told("seconds")]
        await stage.clear()
        await lag.refresh()
    assert (waiting, [told("entries"), told("seconds")]) == ([1, 3], [0, 0])


async def test_what_nobody_can_tell_is_not_a_number(database_url: str) -> None:
    """Metrics are read all the more when something has failed that nobody foresaw."""
    async with FirstStage(database_url) as stage:
        await stage.take(said(1, ("anonymous_id", "a")))
        async with stage.state.write() as connection:
            await connection.execute(text("ALTER TABLE cursors RENAME TO lost"))
        await LogMetrics(stage.log, Progress(stage.log, stage.state), lambda: EPOCH).refresh()
    assert math.isnan(told("entries") or 0)
