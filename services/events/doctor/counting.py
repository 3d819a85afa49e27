"""The counters, against what the stored instances and steps add up to."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.insights import store
from services.events.models import builds


class WrongCounter(NamedTuple):
    """Where a counter says something else. What the dimension's value is, customers have sent, so it is not said."""

    journey: str
    version: int
    span: str
    day: int
    dimension: str


async def wrong_counters(connection: AsyncConnection, workspace: str) -> list[WrongCounter]:
    """Within one snapshot. Those of builds that are swept away are no longer kept."""
    journeys = {build.number: build.journey for build in await builds.active(connection, workspace)}
    counted = await store.counted(connection, workspace)
    summed = await store.summed(connection, workspace)
    wrong = {
        WrongCounter(journeys[cell.build], cell.version, cell.span, cell.day, cell.dimension)
        for cell in counted.keys() | summed.keys()
        if cell.build in journeys and counted.get(cell) != summed.get(cell)
    }
    return sorted(wrong)
