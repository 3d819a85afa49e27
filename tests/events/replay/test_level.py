"""A state is brought to one end of the log and one moment, and no further."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import update

from services.events import tables
from services.events.projector.leases import LeaseLost
from services.events.replay.level import Leveller, places
from tests.events.projector.hands import Hands
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.published import Subscriber
from tests.support.reality import WORKSPACE, Reality

VIEWED, BOUGHT, VIEWED_AGAIN = event("v0", "View", 0, USER), event("b3", "Buy", 3, USER), event("v9", "View", 9, USER)


async def test_what_is_logged_behind_the_end_is_left_alone(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        await reality.record([VIEWED])
        end = await reality.record([BOUGHT])
        await reality.record([VIEWED_AGAIN])
        await reality.projector.close()
        leveller = Leveller(reality.log_database, reality.state)
        await leveller.hold()

        assert await leveller.reach({WORKSPACE: end}, EPOCH + 9 * DAY, lambda: False)

        assert await places(reality.state) == {WORKSPACE: end}
        assert await reality.rows(tables.dirty) == []
        assert await Subscriber(reality).news([VIEWED, BOUGHT, VIEWED_AGAIN]) == [
            "v0: nothing -> ACTIVE look, day 0",
            "v0: ACTIVE look -> COMPLETED buy, day 3",
        ]


async def test_silence_is_told_up_to_the_moment(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        end = await reality.record([VIEWED])
        await reality.projector.close()
        leveller = Leveller(reality.log_database, reality.state)
        subscriber = Subscriber(reality)
        await leveller.hold()

        assert await leveller.reach({WORKSPACE: end}, EPOCH + 7 * DAY - 1, lambda: False)
        assert await subscriber.news([VIEWED]) == ["v0: nothing -> ACTIVE look, day 0"]
        assert await leveller.reach({WORKSPACE: end}, EPOCH + 7 * DAY, lambda: False)
        assert await subscriber.news([VIEWED]) == ["v0: ACTIVE look -> ABANDONED look, day 7"]


async def test_it_says_when_there_was_not_enough_time(database_url: str) -> None:
    async with Reality(database_url) as reality:
        end = await reality.record([VIEWED])
        leveller = Leveller(reality.log_database, reality.state)
        await leveller.hold()
        assert not await leveller.reach({WORKSPACE: end}, EPOCH, lambda: True)


async def test_a_projector_that_is_held_up_changes_nothing_until_it_is_let_go(postgresql_url: str) -> None:
    async with Reality(postgresql_url) as reality:
        leveller = Leveller(reality.log_database, reality.state)
        await leveller.hold()
        await reality.record([VIEWED])
        await reality.projector.renew()
        assert await reality.projector.round() == 0
        assert await places(reality.state) == {}

        await leveller.let_go()

        await reality.projector.renew()
        await reality.project()
        assert len(await reality.customers()) == 1


@pytest.mark.parametrize("knows", [False, True], ids=["it has not noticed yet", "it knows"])
async def test_a_projector_that_is_held_up_puts_no_build_in_place_of_another(postgresql_url: str, knows: bool) -> None:
    async with Reality(postgresql_url) as reality, Hands(reality) as hands:
        await reality.publish([SHOP, SHOP | {"version": 2}])
        await hands.identify()
        async with reality.state.write() as connection:
            await connection.execute(update(tables.build_progress).values(done=True))
        leveller = Leveller(reality.log_database, reality.state)
        await leveller.hold()
        if knows:
            await hands.renew()

        with contextlib.nullcontext() if knows else pytest.raises(LeaseLost):
            await hands.catch_up()

        assert [row.state for row in await reality.rows(tables.builds)] == ["LIVE", "BUILDING"]
        await leveller.let_go()
        await hands.renew()
        await hands.catch_up()
        assert "BUILDING" not in [row.state for row in await reality.rows(tables.builds)]
