"""One customer with more history than thousands of others holds up none of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.chassis.clock import to_rfc3339
from services.events import tables
from services.events.projector.bench import MANY_EVENTS
from services.events.projector.leases import LeaseLost
from tests.events.projector.hands import Fault, Gate, Hands, assert_as_expected, customer_of, visible
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import Reality

Json = dict[str, Any]
Identifier = tuple[str, str]

FOREVER = SHOP | {"key": "forever", "goal": 'name == "Never"', "patience": "P5000D"}
"""Its only run goes on and on: whatever comes before it changes how everything stands behind every event."""
HOT, OTHER, LATER = USER, ("user_id", "other"), ("user_id", "later")
NOW = EPOCH + 400 * DAY
_MANY = MANY_EVENTS + 200
GATE = "View"
_LONGER_THAN_SILENCE_SECONDS = 11
"""PostgreSQL ends a transaction of which it has heard nothing for ten."""


@pytest.fixture
async def reality(database_url: str) -> AsyncIterator[Reality]:
    async with Reality(database_url) as opened:
        opened.now = NOW
        await opened.publish([SHOP])
        yield opened


def long_history(*identifiers: Identifier, prefix: str = "hot", count: int = _MANY) -> list[Json]:
    """An event every hour or so, for months: mostly on no map, which keeps the oracle fast."""
    names = ["View", "Buy", *["Else"] * 14]
    return [event(f"{prefix}{number}", names[number % 16], number / 20, *identifiers) for number in range(count)]


async def test_while_a_long_history_is_folded_the_others_become_visible(reality: Reality) -> None:
    gate = Gate(GATE)
    events = long_history(HOT)
    await reality.record(events)
    async with Hands(reality, gate) as hands:
        await hands.identify()
        assert await hands.fold() == 1  # handed on
        folding = asyncio.create_task(hands.fold_slowly())
        await gate.reached()

        more = [event("o1", "Else", 1, OTHER), event("hot-late", "Buy", 7.01, HOT), event("o2", "Else", 2, LATER)]
        await reality.record(more)
        await hands.identify()
        assert await hands.fold() == 2
        assert await visible(reality) == {customer_of(*OTHER), customer_of(*LATER)}
        assert not folding.done()

        gate.open()
        assert await folding == 1
        assert customer_of(*HOT) in await visible(reality)
        [(customer, mark)] = (await hands.marks()).items()
        assert (customer, mark.change.events) == (customer_of(*HOT), 1)
        await hands.finish()
    await assert_as_expected(reality, events + more, [SHOP])


async def test_customers_whose_events_say_very_much_are_folded_a_few_at_a_time(reality: Reality) -> None:
    """Twelve megabytes each, of which no more than two fit into what is held at once."""
    three = [("user_id", name) for name in ("a", "b", "c")]
    events: list[Json] = []
    for customer in three:
        much = {"x": "x" * 30_000}
        more = [event(f"{customer[1]}{n}", "View", n / 20, customer, properties=much) for n in range(400)]
        await reality.record(more)
        events += more
    async with Hands(reality) as hands:
        await hands.identify()
        assert [await hands.fold() for _ in range(3)] == [2, 1, 0]
        assert await visible(reality) == {customer_of(*customer) for customer in three}
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP])


async def test_a_merge_amid_a_slow_fold_ends_right(reality: Reality) -> None:
    """The customer that is being folded loses everything to one who was there before."""
    gate = Gate(GATE)
    events = [event("old", "Buy", -1, OTHER), *long_history(HOT)]
    await reality.record(events)
    async with Hands(reality, gate) as hands:
        await hands.identify()
        await hands.fold()
        folding = asyncio.create_task(hands.fold_slowly())
        await gate.reached()

        events.append(event("link", "Else", 300, HOT, OTHER))
        await reality.record(events[-1:])
        await hands.identify()
        gate.open()
        await folding
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP])


@pytest.mark.parametrize("effective_from", [None, to_rfc3339(NOW - DAY // 48)], ids=["rebuilt", "added"])
async def test_a_version_published_amid_a_slow_fold_counts(reality: Reality, effective_from: str | None) -> None:
    gate = Gate(GATE)
    events = long_history(HOT)
    second = SHOP | {"version": 2, "patience": "P1D", "effectiveFrom": effective_from}
    await reality.record(events)
    async with Hands(reality, gate) as hands:
        await hands.identify()
        await hands.fold()
        folding = asyncio.create_task(hands.fold_slowly())
        await gate.reached()

        await reality.publish([second])
        await hands.identify()
        gate.open()
        await folding
        assert await visible(reality) == set()  # what was folded is of builds that are others now
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP, second])


async def test_a_second_version_amid_the_slow_fold_of_a_rebuild_counts(reality: Reality) -> None:
    gate = Gate(GATE)
    events = long_history(HOT)
    versions = [SHOP | {"version": number, "patience": f"P{number}D"} for number in (2, 3)]
    await reality.record(events)
    async with Hands(reality) as before:
        await before.finish()
    async with Hands(reality, gate) as hands:
        await reality.publish(versions[:1])
        await hands.identify()
        await hands.catch_up()
        await reality.publish(versions[1:])
        await hands.identify()
        folding = asyncio.create_task(hands.fold_slowly())
        gate.open()
        await folding
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP, *versions])


@pytest.mark.full
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_fold_that_takes_longer_than_the_patience_with_silent_transactions_ends(reality: Reality) -> None:
    gate = Gate(GATE)
    events = long_history(HOT)
    await reality.record(events)
    async with Hands(reality, gate) as hands:
        await hands.identify()
        await hands.fold()
        asyncio.get_running_loop().call_later(_LONGER_THAN_SILENCE_SECONDS, gate.open)
        assert await hands.fold_slowly() == 1
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP])


async def test_a_slow_fold_that_loses_its_lease_changes_nothing(reality: Reality) -> None:
    gate = Gate(GATE)
    events = long_history(HOT)
    await reality.record(events)
    async with Hands(reality, gate) as paused:
        await paused.identify()
        await paused.fold()
        folding = asyncio.create_task(paused.fold_slowly())
        await gate.reached()

        await paused.fall_silent()
        async with Hands(reality) as successor:
            gate.open()
            with pytest.raises(LeaseLost):
                await folding
            assert await visible(reality) == set()
            await successor.finish()
            await assert_as_expected(reality, events, [SHOP])
            assert await paused.fold_slowly() == 0  # nothing of it is left there


async def test_what_waited_in_the_slow_lane_of_a_former_owner_is_not_taken_for_new(reality: Reality) -> None:
    """Between, another process has folded the customer, and left out what cannot be folded."""
    events = long_history(HOT)
    await reality.record(events)
    async with Hands(reality) as first:
        await first.identify()
        await first.fold()
        await first.fall_silent()
        async with Hands(reality, Fault("hot16")) as second:
            await second.finish()
            assert {row.event for row in await reality.rows(tables.stuck)} == {"2-16"}
        await first.renew()
        await first.fold()
        await first.fold_slowly()
        await first.finish()
    await assert_as_expected(reality, events, [SHOP])


async def test_a_late_event_that_changes_everything_behind_it_goes_to_the_slow_lane(reality: Reality) -> None:
    events = long_history(HOT)
    early = [event("early", "View", -3, HOT), event("o1", "View", 1, OTHER)]
    await reality.publish([FOREVER])
    await reality.record(events)
    async with Hands(reality) as hands:
        await hands.finish()
        await reality.record(early)
        await hands.identify()
        assert await hands.fold() == 2
        assert customer_of(*OTHER) in await visible(reality)
        assert list(await hands.marks()) == [customer_of(*HOT)]
        await hands.finish()
    await assert_as_expected(reality, events + early, [SHOP, FOREVER])


# --- how much one step takes on --------------------------------------------------------------------------------------


async def test_rules_that_take_their_time_make_steps_shorter(reality: Reality) -> None:
    users = [("user_id", f"u{number}") for number in range(60)]
    events = [event(f"m{number}", "View", number / 20, user) for number, user in enumerate(users)]
    await reality.record(events)
    async with Hands(reality, lambda _event, _version: time.sleep(0.03)) as hands:
        await hands.identify()
        assert 0 < await hands.fold() < 60
        assert len(await visible(reality)) == 60 - len(await hands.marks())
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP])


async def test_a_step_takes_on_only_so_many_events(sqlite_url: str) -> None:
    async with Reality(sqlite_url) as reality:
        await reality.publish([SHOP])
        for number in range(6):
            await reality.record(long_history(("user_id", f"u{number}"), prefix=f"u{number}.", count=3_000))
        async with Hands(reality) as hands:
            await hands.identify()
            assert 0 < await hands.fold() <= 5
            await hands.finish()
        assert len(await visible(reality)) == 6
