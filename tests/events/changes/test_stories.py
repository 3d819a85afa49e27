"""Which changes of status and phase are published, and which of them are corrections."""

from __future__ import annotations

from typing import Any

from services.events import tables
from services.events.intake.position import Place
from services.events.projector import dirty
from tests.events.projector.hands import Hands
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.published import Subscriber
from tests.support.reality import WORKSPACE, Reality
from tests.support.replaying import replayed

Json = dict[str, Any]


class Story:
    """One customer of the shop, told day by day."""

    def __init__(self, reality: Reality) -> None:
        self.reality = reality
        self.events: list[Json] = []
        self._subscriber = Subscriber(reality)

    async def on(self, now: float, *events: Json) -> list[str]:
        """What is published when these events have come in by that day."""
        self.reality.now = EPOCH + int(now * DAY)
        self.events += events
        if events:
            await self.reality.record(events)
        await self.reality.project()
        return await self._subscriber.news(self.events)

    async def published(self, *journeys: Json) -> Story:
        await self.reality.publish(journeys)
        await self.reality.project()
        return self


def viewed(day: float, order: str | None = None) -> Json:
    return _event("View", "v", day, order)


def bought(day: float, order: str | None = None) -> Json:
    return _event("Buy", "b", day, order)


def _event(name: str, letter: str, day: float, order: str | None) -> Json:
    properties = {} if order is None else {"order_id": order}
    return event(f"{letter}{day:g}", name, day, USER, properties=properties)


KEYED = SHOP | {"instanceKey": "properties.order_id"}
RETURNED = SHOP | {"returnedWhen": 'name == "Return"'}


async def test_starts_phases_and_ends_are_published_with_the_time_of_their_event(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        assert await story.on(0, viewed(0)) == ["v0: nothing -> ACTIVE look, day 0"]
        assert await story.on(1, viewed(1)) == []
        assert await story.on(2, bought(2)) == ["v0: ACTIVE look -> COMPLETED buy, day 2"]


async def test_silence_is_published_when_it_abandons_and_not_when_it_closes(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(0, bought(0))
        await story.on(1, viewed(1))
        assert await story.on(30) == ["v1: ACTIVE look -> ABANDONED look, day 8"]


async def test_what_a_late_event_withdraws_is_corrected_as_in_worked_example_5(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        assert await story.on(12, viewed(0), bought(12)) == [
            "v0: nothing -> ACTIVE look, day 0",
            "v0: ACTIVE look -> ABANDONED look, day 7",
            "b12: nothing -> COMPLETED buy, day 12",
        ]
        assert await story.on(12, viewed(6)) == [
            "v0: ABANDONED look -> COMPLETED buy, day 12!",
            "b12: COMPLETED buy -> nothing, day 12!",
        ]


async def test_a_run_that_a_late_event_revives_is_corrected_and_may_be_abandoned_again(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(0, viewed(0))
        assert await story.on(8) == ["v0: ACTIVE look -> ABANDONED look, day 7"]
        assert await story.on(8, viewed(6)) == ["v0: ABANDONED look -> ACTIVE look, day 7!"]
        assert await story.on(13) == ["v0: ACTIVE look -> ABANDONED look, day 13"]
        assert await story.on(13, viewed(2), viewed(9)) == ["v0: ABANDONED look -> ACTIVE look, day 13!"]


async def test_an_end_with_another_time_is_a_correction(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(5, viewed(0), bought(5))
        assert await story.on(5, bought(3)) == [
            "v0: COMPLETED buy -> COMPLETED buy, day 3!",
            "b5: nothing -> COMPLETED buy, day 5",
        ]


async def test_a_late_step_that_changes_neither_status_nor_phase_publishes_nothing(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(5, viewed(0), bought(5))
        assert await story.on(5, viewed(3)) == []


async def test_a_late_change_beside_what_was_published_is_no_correction(database_url: str) -> None:
    """The goal is reached later, as was published; that the buyer came to its phase before is new."""
    pay = {"key": "pay", "name": "Pay", "touchpoints": [{"key": "paid", "name": "P", "recognisedBy": 'name == "Pay"'}]}
    phases: Any = SHOP["phases"]
    longer = SHOP | {"goal": 'name == "Pay"', "phases": [*phases, pay]}
    async with Reality(database_url) as reality:
        story = await Story(reality).published(longer)
        await story.on(5, viewed(0), event("p5", "Pay", 5, USER))
        assert await story.on(5, bought(3)) == ["v0: ACTIVE look -> ACTIVE buy, day 3"]


async def test_an_earlier_run_that_comes_to_light_renumbers_the_later_ones(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(40, viewed(20), viewed(40))
        assert await story.on(40, bought(5)) == [
            "b5: nothing -> COMPLETED buy, day 5",
            "v20: ABANDONED look -> ABANDONED look, day 20!",
            "v40: ACTIVE look -> ACTIVE look, day 40!",
        ]


async def test_runs_behind_a_checkpoint_where_all_is_as_before_are_renumbered_too(database_url: str) -> None:
    days = range(10, 2_010, 10)
    events = [viewed(day) for day in days]
    async with Reality(database_url) as reality:
        reality.now = EPOCH + 2_020 * DAY
        await reality.publish([SHOP])
        await reality.record(events)
        subscriber = Subscriber(reality)
        async with Hands(reality) as hands:
            await hands.finish()
            await subscriber.changes()
            folded = hands.lanes.events
            await reality.record([viewed(0)])
            await hands.finish()
            assert hands.lanes.events - folded < len(days) / 2

        assert await subscriber.news([viewed(0), *events]) == [
            "v0: nothing -> ACTIVE look, day 0",
            "v0: ACTIVE look -> ABANDONED look, day 7",
            *(f"v{day}: ABANDONED look -> ABANDONED look, day {day}!" for day in days),
        ]


async def test_a_key_that_is_adopted_later_is_no_correction_and_another_one_is(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(KEYED)
        assert await story.on(0, viewed(0)) == ["v0: nothing -> ACTIVE look, day 0"]
        assert await story.on(2, viewed(2, "A")) == []
        assert await story.on(2, viewed(1, "B")) == [
            "v0: ACTIVE look -> ACTIVE look, day 0!",
            "v2: nothing -> ACTIVE look, day 2",
        ]
        assert [change.change.key for change in await Subscriber(reality).changes()] == [None, "B", "A"]


async def test_a_return_is_published_and_corrected_long_after_the_run_was_closed(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(RETURNED)
        await story.on(100, bought(0), bought(50))
        returned = event("r90", "Return", 90, USER)
        assert await story.on(100, returned) == ["b50: COMPLETED buy -> RETURNED buy, day 90"]
        assert await story.on(100, bought(80)) == [
            "b80: nothing -> COMPLETED buy, day 80",
            "b50: RETURNED buy -> COMPLETED buy, day 90!",
            "b80: COMPLETED buy -> RETURNED buy, day 90",
        ]


async def test_a_history_that_is_folded_wholly_again_publishes_nothing(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(40, viewed(0), bought(3), viewed(20), bought(40))
        [customer] = await reality.rows(tables.customers)
        [cursor] = await reality.rows(tables.cursors)
        async with reality.state.write() as connection:
            await dirty.mark_again(connection, WORKSPACE, [customer.customer], Place(cursor.xid, cursor.seq))
        assert await story.on(40) == []


async def test_builds_publish_nothing_when_they_are_filled_nor_when_they_take_over(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = Story(reality)
        assert await story.on(3, viewed(0), bought(3)) == []
        await story.published(SHOP)
        patient = SHOP | {"version": 2, "patience": "P30D", "publishedAt": "2026-01-04T00:00:00Z"}
        assert await story.on(20, viewed(4)) == [
            "v4: nothing -> ACTIVE look, day 4",
            "v4: ACTIVE look -> ABANDONED look, day 11",
        ]
        await story.published(patient)
        assert await story.on(20) == []
        [*_, instance] = sorted(await reality.rows(tables.instances), key=lambda row: row.started_at)
        assert (instance.version, instance.status) == (2, "ACTIVE")
        assert await story.on(21, bought(21)) == ["v4: ACTIVE look -> COMPLETED buy, day 21"]


async def test_a_replay_publishes_nothing_and_keeps_what_was_published(database_url: str) -> None:
    async with Reality(database_url) as reality:
        story = await Story(reality).published(SHOP)
        await story.on(12, viewed(0), bought(12))
        before = await Subscriber(reality).changes()

        await replayed(reality)

        assert await Subscriber(reality).changes() == before
        assert await story.on(12, viewed(6)) == [
            "v0: ABANDONED look -> COMPLETED buy, day 12!",
            "b12: COMPLETED buy -> nothing, day 12!",
        ]
