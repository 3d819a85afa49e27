"""Stories of the clock: silence is told without an event, and whatever the clock does, a replay tells the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.events.projector.any_order.play import compared
from tests.events.projector.any_order.stages import Stages
from tests.events.projector.any_order.tables import contents, counters_and_sums
from tests.events.projector.any_order.told import Told
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import Reality

Json = dict[str, Any]

SHOP: Json = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "Viewed", "recognisedBy": 'name == "View"'}],
        },
        {
            "key": "buy",
            "name": "Buy",
            "touchpoints": [{"key": "bought", "name": "Bought", "recognisedBy": 'name == "Buy"'}],
        },
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}


class Story:
    """One customer of one journey, and a process whose clock a test sets. Open with `async with`."""

    def __init__(self, played_url: str, replayed_url: str) -> None:
        self._reality = Reality(played_url)
        self._replayed_url = replayed_url
        self._told = Told(self._reality)
        self._process = AsyncExitStack()

    async def __aenter__(self) -> Story:
        await self._reality.__aenter__()
        self._reality.now = EPOCH
        await self._told.versions(SHOP)
        await self.a_process_starts()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._process.aclose()
        await self._reality.__aexit__(*details)

    async def happens(self, name: str, *days: float) -> None:
        """On these days; it is heard of now, whenever that is."""
        for day in days:
            event = plain_event(f"{name}{day}", name, EPOCH + int(day * DAY), identifiers=[("user_id", "u")])
            await self._told.events(event | {"verified": True})

    async def a_process_starts(self) -> None:
        """The one before has ended."""
        await self._process.aclose()
        self._stages = await self._process.enter_async_context(Stages(self._reality))

    async def it_is(self, day: float) -> None:
        """And the process, which lives, notices."""
        self.nobody_looks_until(day)
        await self._stages.finish()

    def nobody_looks_until(self, day: float) -> None:
        self._reality.now = EPOCH + int(day * DAY)

    async def runs(self) -> list[tuple[str, float | None]]:
        """Status and end, in days."""
        found = []
        for customer in await self._reality.customers():
            for run in customer["instances"]:
                ended = run["endedAt"]
                found.append((run["status"], None if ended is None else (ended - EPOCH) / DAY))
        return found

    async def a_replay_tells_the_same(self) -> bool:
        often, once = await contents(self._reality), await self._told.replayed(self._replayed_url)
        counted, summed = await counters_and_sums(self._reality)
        return [compared(name, often[name], once[name]) for name in often] == [[]] * len(often) and counted == summed


@pytest.fixture
async def story(database_urls: tuple[str, str]) -> AsyncIterator[Story]:
    async with Story(*database_urls) as opened:
        yield opened


async def test_a_run_is_abandoned_without_an_event_as_a_later_replay_tells_it(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(1)
    assert await story.runs() == [("ACTIVE", None)]
    # When
    await story.it_is(7)
    # Then
    assert await story.runs() == [("ABANDONED", 7)]
    assert await story.a_replay_tells_the_same()


async def test_a_late_event_revives_a_run_that_silence_had_ended(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(8)
    assert await story.runs() == [("ABANDONED", 7)]
    # When
    await story.happens("View", 2)
    await story.it_is(8)
    # Then
    assert await story.runs() == [("ACTIVE", None)]
    assert await story.a_replay_tells_the_same()


async def test_a_late_event_dates_an_abandonment_anew(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(20)
    assert await story.runs() == [("ABANDONED", 7)]
    # When
    await story.happens("View", 6.5)
    await story.it_is(20)
    # Then
    assert await story.runs() == [("ABANDONED", 13.5)]
    assert await story.a_replay_tells_the_same()


async def test_a_late_event_between_two_runs_makes_them_one(story: Story) -> None:
    """Worked example 5."""
    # Given
    await story.happens("View", 0)
    await story.happens("Buy", 12)
    await story.it_is(12)
    assert await story.runs() == [("ABANDONED", 7), ("COMPLETED", 12)]
    # When
    await story.happens("View", 6)
    await story.it_is(12)
    # Then
    assert await story.runs() == [("COMPLETED", 12)]
    assert await story.a_replay_tells_the_same()


async def test_a_process_that_was_stopped_for_a_week_makes_no_difference(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(1)
    # When
    story.nobody_looks_until(2)
    await story.happens("View", 2)
    story.nobody_looks_until(9)
    await story.happens("View", 9)
    await story.a_process_starts()
    await story.it_is(9)
    # Then
    assert await story.runs() == [("ABANDONED", 9), ("ACTIVE", None)]
    assert await story.a_replay_tells_the_same()


async def test_a_clock_that_leaps_ahead_and_back_makes_no_difference_to_the_next_process(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(1)
    # When
    await story.it_is(400)
    assert await story.runs() == [("ABANDONED", 7)]
    story.nobody_looks_until(2)
    await story.a_process_starts()
    await story.it_is(2)
    # Then
    assert await story.runs() == [("ACTIVE", None)]
    assert await story.a_replay_tells_the_same()


async def test_a_clock_that_leaps_ahead_and_back_makes_no_difference_once_something_happens(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(400)
    assert await story.runs() == [("ABANDONED", 7)]
    # When
    story.nobody_looks_until(2)
    await story.happens("View", 2)
    await story.it_is(2)
    # Then
    assert await story.runs() == [("ACTIVE", None)]
    assert await story.a_replay_tells_the_same()


async def test_a_clock_that_leaps_ahead_and_back_makes_no_difference_once_time_has_come(story: Story) -> None:
    # Given
    await story.happens("View", 0)
    await story.it_is(400)
    # When
    await story.it_is(2)
    assert await story.runs() == [("ABANDONED", 7)], "what was told stays told while the process lives"
    await story.it_is(8)
    # Then
    assert await story.runs() == [("ABANDONED", 7)]
    assert await story.a_replay_tells_the_same()
