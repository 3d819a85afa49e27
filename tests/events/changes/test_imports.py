"""Imported history changes what is known of customers, and nobody is told; what happens live is told as ever."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events import tables
from services.events.projector.dirty import Cause
from services.events.projector.withdrawing import Withdrawing
from tests.events.projector.hands import Hands
from tests.events.projector.test_projection import ANONYMOUS, SHOP, USER, arrivals, event
from tests.support.histories import DAY, EPOCH
from tests.support.published import Subscriber
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded

Json = dict[str, Any]


def viewed(day: float) -> Json:
    return event(f"v{day:g}", "View", day, USER)


def bought(day: float) -> Json:
    return event(f"b{day:g}", "Buy", day, USER)


class Story:
    """Some customers of the shop; every step of the projector is the story's."""

    def __init__(self, reality: Reality, hands: Hands) -> None:
        self._reality = reality
        self._hands = hands
        self._subscriber = Subscriber(reality)
        self._events: list[Json] = []

    async def imports(self, *events: Json) -> None:
        """History comes into the log."""
        self._events += events
        await self._reality.append([msgspec.structs.replace(recorded(one), imported=True) for one in events])

    async def hears(self, *events: Json) -> None:
        """Live events come into the log."""
        self._events += events
        await self._reality.record(events)

    async def news(self, day: float) -> list[str]:
        """What is published when everything is projected by that day."""
        self._reality.now = EPOCH + int(day * DAY)
        await self._hands.identify()
        while await self._hands.fold():
            pass
        withdrawing = Withdrawing(self._hands.lanes)
        while await withdrawing.step(WORKSPACE):
            pass
        assert await self._reality.rows(tables.dirty) == []
        assert await self._reality.rows(tables.moving_instances) == []
        return await self._subscriber.news(self._events)

    async def statuses(self) -> list[str]:
        """Of the instances there are, in the order in which they began."""
        rows = await self._reality.rows(tables.instances)
        return [f"{row.status} {row.phase}" for row in sorted(rows, key=lambda row: row.started_at)]


async def started(reality: Reality, hands: Hands) -> Story:
    reality.now = EPOCH
    await reality.publish([SHOP])
    await hands.finish()
    return Story(reality, hands)


async def test_history_is_told_to_nobody_and_what_happens_next_is(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.imports(viewed(0), bought(2), viewed(20), viewed(38))
        assert await story.news(40) == []
        assert await story.statuses() == ["COMPLETED buy", "ABANDONED look", "ACTIVE look"]
        await story.hears(bought(41))
        assert await story.news(41) == ["v38: ACTIVE look -> COMPLETED buy, day 41"]


async def test_a_deadline_that_comes_after_the_import_is_told(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.imports(viewed(0), viewed(38))
        assert await story.news(40) == []
        assert await story.news(50) == ["v38: ACTIVE look -> ABANDONED look, day 45"]


async def test_a_deadline_that_would_have_come_without_the_import_is_told(database_url: str) -> None:
    """Another of the customer's events is imported in the very step that finds the silence."""
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.hears(viewed(10))
        await story.news(10)
        await story.imports(event("e0", "Else", 0, USER))
        assert await story.news(20) == ["v10: ACTIVE look -> ABANDONED look, day 17"]


async def test_what_an_import_changes_of_live_instances_is_not_told_either(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.hears(viewed(20))
        assert await story.news(20) == ["v20: nothing -> ACTIVE look, day 20"]
        await story.imports(viewed(15), bought(3))
        assert await story.news(21) == []
        assert await story.statuses() == ["COMPLETED buy", "ACTIVE look"]
        await story.hears(bought(22))
        assert await story.news(22) == ["v15: ACTIVE look -> COMPLETED buy, day 22"]


async def test_history_and_live_events_in_one_step_tell_what_live_events_change(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.imports(viewed(0), bought(2), viewed(38))
        await story.hears(bought(39))
        await story.imports(viewed(1), viewed(20))
        assert await story.news(40) == ["v38: ACTIVE look -> COMPLETED buy, day 39"]
        assert await story.statuses() == ["COMPLETED buy", "ABANDONED look", "COMPLETED buy"]


@pytest.mark.parametrize("is_live", [True, False])
async def test_customers_that_become_one_by_an_import_are_not_told(database_url: str, is_live: bool) -> None:
    login = event("i30", "Identify", 30, USER, ANONYMOUS, kind="identify")
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.hears(event("v1", "View", 1, ANONYMOUS), event("b15", "Buy", 15, ANONYMOUS), viewed(0), viewed(10))
        await story.news(31)
        await (story.hears(login) if is_live else story.imports(login))
        news = await story.news(31)
        assert bool(news) is is_live
        assert await story.statuses() == ["ABANDONED look", "COMPLETED buy"]


async def test_marks_say_why_they_were_made(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        story = await started(reality, hands)
        await story.imports(viewed(0))
        await story.hears(event("v1", "View", 1, ANONYMOUS))
        await story.imports(viewed(2))
        await story.hears(viewed(3))
        await hands.identify()
        causes = {row.seq: Cause(row.cause) for row in await reality.rows(tables.dirty)}
        assert [causes[seq] for seq in sorted(causes)] == [Cause.IMPORTED, Cause.LIVE, Cause.IMPORTED, Cause.LIVE]


_TABLES = (tables.customers, tables.instances, tables.steps, tables.counters, tables.identifiers, tables.timeline)


async def made_of(url: str, arrival: Any, imported: frozenset[int]) -> list[list[Any]]:
    """What the projector makes of events, the same whether or not some of its rows are imported."""
    journeys, events, sizes, now = arrival
    async with Reality(url) as reality:
        reality.now = now
        await reality.publish(journeys)
        for number, size in enumerate([*sizes, len(events)]):
            batch, events = events[:size], events[size:]
            if batch:
                is_imported = number in imported
                await reality.append([msgspec.structs.replace(recorded(one), imported=is_imported) for one in batch])
            if number % 3 == 0:
                await reality.project()
        await reality.project()
        return [await reality.rows(table) for table in _TABLES]


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(arrival=arrivals(), imported=st.frozensets(st.integers(0, 8), min_size=1))
def test_history_counts_as_if_it_had_happened_live(
    tmp_path_factory: pytest.TempPathFactory, arrival: Any, imported: frozenset[int]
) -> None:
    live, mixed = (
        asyncio.run(made_of(f"sqlite:///{tmp_path_factory.mktemp('imports') / 'test.db'}", arrival, rows))
        for rows in (frozenset[int](), imported)
    )
    assert mixed == live
