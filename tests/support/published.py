"""What a Reality has published of instances, as lines that stories can be written with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from services.events import tables
from services.events.changes import store
from services.events.changes.position import ChangePlace
from services.events.changes.store import PublishedChange
from services.events.ids import instance_id
from services.events.live.domain.changes import InstanceChange
from tests.support.histories import DAY, EPOCH, history_event
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

_SECRET = b"s" * 16
_PATIENCE_SECONDS = 30


class Subscriber:
    """Reads on from where it was, though a day and more may pass between two looks."""

    def __init__(self, reality: Reality, journeys: Sequence[str] = ("shop",)) -> None:
        self._reality = reality
        self._journeys = journeys
        self._after = ChangePlace(-1, -1, -1)

    async def news(self, events: Iterable[Json]) -> list[str]:
        """What was published since, of runs that these events may have started. See `line`."""
        names = {
            instance_id(_SECRET, journey, history_event(event).key): event["messageId"]
            for journey in self._journeys
            for event in events
        }
        return [line(one.change, names) for one in await self.changes()]

    async def changes(self) -> list[PublishedChange]:
        """All that was published since. On PostgreSQL other tests' transactions may hold the end of it back."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                async with self._reality.state.read(snapshot=True) as connection:
                    found = await store.read_after(connection, WORKSPACE, None, 100_000)
                rows = await self._reality.rows(tables.instance_changes)
                if len(found) == sum(row.changes for row in rows):
                    break
                await asyncio.sleep(0.01)
        news = [one for one in found if one.place > self._after]
        self._after = max([self._after, *(one.place for one in found)])
        return news


def line(change: InstanceChange, names: dict[bytes, str]) -> str:
    """`m0: ACTIVE look -> COMPLETED buy, day 3`: named after the first event of the run; `!` marks a correction."""
    before = f"{change.previous_status} {change.previous_phase}" if change.previous_status else "nothing"
    after = f"{change.status} {change.phase}" if change.status else "nothing"
    mark = "!" if change.correction else ""
    return f"{names[change.instance]}: {before} -> {after}, day {(change.at - EPOCH) / DAY:g}{mark}"
