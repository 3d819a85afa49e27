"""Reading instances for export, with their steps if they are wanted; a bounded part at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple

from services.events.export.events import EventExport, TooMuch
from services.events.export.wanted import Wanted
from services.events.live.queries import Condition, InstanceQueries, InstanceRow, StepRow
from services.events.tables import instances
from services.events.timeline.entry import Entry
from services.events.timeline.reader import parse_event_id

_INSTANCES_AT_ONCE = 500
_WALKS_AT_ONCE = 100
_STEPS_AT_ONCE = 200  # of each


class Step(NamedTuple):
    row: StepRow
    event: Entry


class Walk(NamedTuple):
    """Some steps of an instance, in their order; others follow at once until it is the last of them."""

    instance: InstanceRow
    steps: Sequence[Step]
    is_first: bool
    is_last: bool


class InstanceExport:
    def __init__(self, queries: InstanceQueries, events: EventExport, steps_at_once: int = _STEPS_AT_ONCE) -> None:
        self._queries = queries
        self._events = events
        self._steps_at_once = steps_at_once

    async def oldest_first(
        self, workspace: str, wanted: Wanted, at_once: int = _INSTANCES_AT_ONCE
    ) -> AsyncGenerator[list[InstanceRow], None]:
        """The instances that began within the period. One that changes meanwhile may be told as it was or is."""
        place: tuple[int, bytes] | None = None
        while rows := await self._queries.oldest_first(workspace, _conditions(wanted), at_once, place):
            yield rows
            place = rows[-1].started_at, rows[-1].instance

    async def walks(self, workspace: str, wanted: Wanted) -> AsyncGenerator[Walk, None]:
        """The same, each with its steps."""
        async for rows in self.oldest_first(workspace, wanted, _WALKS_AT_ONCE):
            pages = await self._queries.steps(workspace, [row.instance for row in rows], self._steps_at_once, None)
            together = await self._all_events_of(workspace, [step for page in pages.values() for step in page.items])
            for row in rows:
                page, is_first = pages.get(row.instance), True
                events = together
                if events is None:
                    events = await self._events_of(workspace, page.items if page is not None else ())
                while page is not None:
                    steps = [Step(step, events[step.event_id]) for step in page.items if step.event_id in events]
                    yield Walk(row, steps, is_first, not page.has_next_page)
                    if not page.has_next_page:
                        break
                    more = await self._queries.steps(workspace, [row.instance], self._steps_at_once, page.end_cursor)
                    page, is_first = more.get(row.instance), False
                    if page is None:  # the instance is gone: its trace must end nevertheless
                        yield Walk(row, (), is_first, is_last=True)
                        break
                    events = await self._events_of(workspace, page.items)

    async def _all_events_of(self, workspace: str, steps: Sequence[StepRow]) -> Mapping[str, Entry] | None:
        """None if they say more than is held at once."""
        try:
            return await self._events_of(workspace, steps, bounded=True)
        except TooMuch:
            return None

    async def _events_of(
        self, workspace: str, steps: Sequence[StepRow], *, bounded: bool = False
    ) -> Mapping[str, Entry]:
        places = [place for step in steps if (place := parse_event_id(step.event_id)) is not None]
        return {entry.id: entry for entry in await self._events.entries(workspace, places, bounded=bounded)}


def _conditions(wanted: Wanted) -> list[Condition]:
    met: list[Condition] = []
    if wanted.journey is not None:
        met.append(instances.c.journey == wanted.journey)
    if wanted.since is not None:
        met.append(instances.c.started_at >= wanted.since)
    if wanted.before is not None:
        met.append(instances.c.started_at < wanted.before)
    return met
