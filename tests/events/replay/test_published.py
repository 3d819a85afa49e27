"""Nobody misses or repeats a published change because of a replay, whatever it finds that was not projected yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from infra.chassis.database import Database
from services.events import tables
from services.events.intake.store import Group, LogStore
from services.events.replay import Stage
from tests.events.projector.test_projection import ANONYMOUS, SHOP, USER, arrivals, event, unique_messages
from tests.events.replay.while_it_works import replayed_while
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.histories import DAY, EPOCH
from tests.support.published import Subscriber
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded
from tests.support.replaying import replayed

Json = dict[str, Any]
Arrival = Any

VIEWED, BOUGHT = event("v0", "View", 0, USER), event("b3", "Buy", 3, USER)
_SLOW: dict[str, Any] = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
_in_question = arrivals().filter(lambda arrival: unique_messages(arrival[1]))


async def begun(reality: Reality, *events: Json) -> Subscriber:
    """Someone who has read all that is published of these events, two days after the first."""
    await reality.publish([SHOP])
    reality.now = EPOCH + 2 * DAY
    await reality.record(events)
    await reality.project()
    subscriber = Subscriber(reality)
    await subscriber.changes()
    return subscriber


def logged(reality: Reality, *events: Json) -> Callable[[Database], Awaitable[None]]:
    """Somebody logs events."""

    async def log(database: Database) -> None:
        await LogStore(database).append([Group(WORKSPACE, [recorded(event) for event in events])], reality.now)

    return log


async def test_what_a_replay_is_the_first_to_read_is_published_once(database_url: str) -> None:
    async with Reality(database_url) as reality:
        subscriber = await begun(reality, VIEWED)
        await reality.record([BOUGHT])
        await replayed(reality)
        assert await subscriber.news([VIEWED]) == ["v0: ACTIVE look -> COMPLETED buy, day 3"]
        await reality.project()
        assert await subscriber.news([VIEWED]) == []


async def test_silence_that_a_replay_is_the_first_to_notice_is_published_once(database_url: str) -> None:
    async with Reality(database_url) as reality:
        subscriber = await begun(reality, VIEWED)
        reality.now = EPOCH + 8 * DAY
        await replayed(reality)
        assert await subscriber.news([VIEWED]) == ["v0: ACTIVE look -> ABANDONED look, day 7"]
        await reality.project()
        assert await subscriber.news([VIEWED]) == []


async def test_of_two_customers_whom_a_replay_finds_to_be_one_is_published_what_differs(database_url: str) -> None:
    async with Reality(database_url) as reality:
        first, second = event("v0", "View", 0, ANONYMOUS), event("v1", "View", 1, USER)
        subscriber = await begun(reality, first, second)
        await reality.record([event("i1", "Identify", 1, USER, ANONYMOUS, kind="identify")])
        await replayed(reality)
        assert await subscriber.news([first, second]) == ["v1: ACTIVE look -> nothing, day 1!"]
        assert await reality.rows(tables.moving_instances) == []


@pytest.mark.parametrize("stage", [Stage.IDENTIFYING, Stage.FINISHING, Stage.CATCHING_UP, Stage.SWITCHING])
async def test_what_is_logged_during_a_replay_is_published_once(postgresql_url: str, stage: Stage) -> None:
    async with Reality(postgresql_url) as reality:
        subscriber = await begun(reality, VIEWED)
        await replayed_while(reality, stage, logged(reality, BOUGHT))
        await reality.project()
        assert await subscriber.news([VIEWED]) == ["v0: ACTIVE look -> COMPLETED buy, day 3"]


async def test_a_deadline_that_comes_during_a_replay_is_published_once(postgresql_url: str) -> None:
    async with Reality(postgresql_url) as reality:
        subscriber = await begun(reality, VIEWED)

        async def a_week_goes_by(_database: Database) -> None:
            reality.now = EPOCH + 8 * DAY

        await replayed_while(reality, Stage.CATCHING_UP, a_week_goes_by)
        await reality.project()
        assert await subscriber.news([VIEWED]) == ["v0: ACTIVE look -> ABANDONED look, day 7"]


async def follow(url: str, arrival: Arrival) -> None:
    """Nothing begins that is there, nothing ends that is not, and what is there after each replay is known."""
    journeys, events, sizes, now = arrival
    known: set[bytes] = set()
    async with Reality(url) as reality:
        reality.now = now
        await reality.publish(journeys)
        await reality.project()
        subscriber = Subscriber(reality)
        for batch in batches(events, sizes):
            await reality.record(batch)
            await replayed(reality)
            for _place, change in await subscriber.changes():
                assert (change.previous_status is None) == (change.instance not in known)
                if change.status is None:
                    known.remove(change.instance)
                else:
                    known.add(change.instance)
            assert known == {row.instance for row in await reality.rows(tables.instances)}


def batches(events: Sequence[Json], sizes: Sequence[int]) -> list[Sequence[Json]]:
    found = []
    for size in [*sizes, len(events)]:
        found.append(events[:size])
        events = events[size:]
    return [batch for batch in found if batch]


@settings(max_examples=4, **_SLOW)
@given(arrival=_in_question)
def test_followers_know_which_instances_there_are_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, arrival: Arrival
) -> None:
    asyncio.run(follow(f"sqlite:///{tmp_path_factory.mktemp('replay') / 'test.db'}", arrival))


@settings(max_examples=2, **_SLOW)
@given(arrival=_in_question)
def test_followers_know_which_instances_there_are_on_postgresql(postgresql: PostgresServer, arrival: Arrival) -> None:
    with fresh_postgresql(postgresql) as url:
        asyncio.run(follow(url, arrival))
