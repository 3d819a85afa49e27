"""When two customers become one, what was published of their instances is published again only where it differs."""

from __future__ import annotations

from typing import Any

import pytest

from services.events import tables
from services.events.identity.domain import profile_id
from services.events.projector.fold import Lanes, Slow
from services.events.projector.withdrawing import Withdrawing
from tests.events.projector.hands import Hands
from tests.events.projector.test_projection import ANONYMOUS, SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.published import Subscriber
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

IDENTIFIED = event("i20", "Identify", 20, USER, ANONYMOUS, kind="identify")

# Who is folded first when two become one: what is left to the slow lane is folded last.
ORDERS = ["together", "the former customer first", "the other customer first"]


class Household:
    """Two customers, until they turn out to be one; every step of the projector is a test's."""

    def __init__(self, reality: Reality, hands: Hands) -> None:
        self.reality = reality
        self.events: list[Json] = []
        self._hands = hands
        self._withdrawing = Withdrawing(hands.lanes)
        self._subscriber = Subscriber(reality)

    async def do(self, *events: Json, order: str = "together") -> list[str]:
        """What is published when these have come in and the customers are folded in that order."""
        self.events += events
        await self.reality.record(events)
        await self._hands.identify()
        await self._fold(self._hands.lanes, order)
        while await self._withdrawing.step(WORKSPACE):
            pass
        assert await self.reality.rows(tables.dirty) == []
        assert await self.reality.rows(tables.moving_instances) == []
        return await self._subscriber.news(self.events)

    async def _fold(self, lanes: Lanes, order: str) -> None:
        if order != "together":
            late = USER if order == "the former customer first" else ANONYMOUS
            lanes.slow[WORKSPACE, profile_id(b"s" * 16, *late)] = Slow(None)
        while await self._hands.fold():
            pass
        await self._withdrawing.step(WORKSPACE)  # too early: not all are folded
        await self._hands.fold_slowly()


@pytest.mark.parametrize("order", ORDERS)
async def test_instances_that_stay_as_they_are_publish_nothing(database_url: str, order: str) -> None:
    """The user, who had done nothing on this map, takes everything over."""
    async with Reality(database_url) as reality, Hands(reality) as hands:
        household = await _at_home(reality, hands)
        assert await household.do(event("v1", "View", 1, ANONYMOUS), event("b3", "Buy", 3, ANONYMOUS)) == [
            "v1: nothing -> ACTIVE look, day 1",
            "v1: ACTIVE look -> COMPLETED buy, day 3",
        ]
        assert await household.do(IDENTIFIED, order=order) == []
        [instance] = await reality.rows(tables.instances)
        assert instance.customer == profile_id(b"s" * 16, *USER)


@pytest.mark.parametrize("order", ORDERS)
async def test_instances_that_another_history_changes_are_corrected(database_url: str, order: str) -> None:
    """The user's look around began the day before the visitor's: they are one run, which the purchase completes."""
    async with Reality(database_url) as reality, Hands(reality) as hands:
        household = await _at_home(reality, hands)
        await household.do(event("v0", "View", 0, USER), event("v30", "View", 30, USER))
        assert await household.do(
            event("v1", "View", 1, ANONYMOUS), event("b2", "Buy", 2, ANONYMOUS), event("b15", "Buy", 15, ANONYMOUS)
        ) == [
            "v1: nothing -> ACTIVE look, day 1",
            "v1: ACTIVE look -> COMPLETED buy, day 2",
            "b15: nothing -> COMPLETED buy, day 15",
        ]

        news = await household.do(IDENTIFIED, order=order)

        assert sorted(news) == [
            "v0: ABANDONED look -> COMPLETED buy, day 2!",
            "v1: COMPLETED buy -> nothing, day 1!",
            "v30: ACTIVE look -> ACTIVE look, day 30!",
        ]


@pytest.mark.parametrize("order", ORDERS)
async def test_new_runs_are_published_once_in_the_step_that_makes_two_customers_one(
    database_url: str, order: str
) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        household = await _at_home(reality, hands)
        await household.do(event("b3", "Buy", 3, ANONYMOUS))
        assert await household.do(IDENTIFIED, event("v25", "View", 25, ANONYMOUS), order=order) == [
            "v25: nothing -> ACTIVE look, day 25"
        ]


async def test_a_customer_who_is_parted_again_gets_back_what_is_published(database_url: str) -> None:
    """An earlier link binds the visitor to somebody else: the purchase goes over to them."""
    async with Reality(database_url) as reality, Hands(reality) as hands:
        household = await _at_home(reality, hands)
        await household.do(event("v0", "View", 0, USER), event("b3", "Buy", 3, ANONYMOUS))
        assert await household.do(IDENTIFIED) == [
            "v0: ABANDONED look -> COMPLETED buy, day 3!",
            "b3: COMPLETED buy -> nothing, day 3!",
        ]
        other = event("i10", "Identify", 10, ("user_id", "w"), ANONYMOUS, kind="identify")
        assert sorted(await household.do(other)) == [
            "b3: nothing -> COMPLETED buy, day 3",
            "v0: COMPLETED buy -> ABANDONED look, day 7!",
        ]


async def _at_home(reality: Reality, hands: Hands) -> Household:
    reality.now = EPOCH + 31 * DAY
    await reality.publish([SHOP])
    await reality.record([event("x0", "Else", 0, USER)])
    await hands.finish()
    return Household(reality, hands)
