"""A version that changes what recorded history means: readers see the old one until a moment, and then the new one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, islice
from typing import Any, NamedTuple

import pytest
from sqlalchemy import func, select

from services.events import tables
from services.events.insights.domain import Selection
from services.events.insights.queries import InsightQueries
from services.events.models.queries import Models
from services.events.partitions import partition_of
from services.events.visible import is_visible
from tests.events.projector.hands import Hands, assert_as_expected, customer_of
from tests.events.projector.test_projection import SHOP, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

NOW = EPOCH + 30 * DAY
CUSTOMERS = 300
"""In two partitions: more than one step of a rebuild takes on."""
SECOND = SHOP | {"version": 2, "patience": "P1D"}
THIRD = SHOP | {"version": 3, "goal": None}


@pytest.fixture
async def reality(database_url: str) -> AsyncIterator[Reality]:
    async with Reality(database_url) as opened:
        opened.now = NOW
        await opened.publish([SHOP])
        yield opened


_NUMBERS = list(
    islice((number for number in count() if partition_of(customer_of("user_id", f"u{number}")) < 2), CUSTOMERS)
)


def user(number: int) -> tuple[str, str]:
    return "user_id", f"u{_NUMBERS[number]}"


def life(number: int) -> list[Json]:
    """Two views, three days apart, and for every third a purchase: under the second version these are runs apart."""
    names = ["View", "View", "Buy"] if number % 3 == 0 else ["View", "View"]
    return [event(f"u{number}.{place}", name, number % 7 + place * 3, user(number)) for place, name in enumerate(names)]


def lives(count: int = CUSTOMERS) -> list[Json]:
    return [one for number in range(count) for one in life(number)]


class Sight(NamedTuple):
    """What readers see at one moment of the instances."""

    versions: dict[int, int]
    """How many there are of each version,"""
    customers: int
    """of how many customers."""


async def look(reality: Reality) -> Sight:
    columns = tables.instances.c
    async with reality.state.read(snapshot=True) as connection:
        seen = is_visible(connection, WORKSPACE, columns.build)
        by_version = select(columns.version, func.count()).where(seen).group_by(columns.version)
        versions = {row.version: row[1] for row in await connection.execute(by_version)}
        customers = await connection.scalar(select(func.count(columns.customer.distinct())).where(seen))
    return Sight(versions, customers or 0)


async def ask(reality: Reality) -> dict[int, int]:
    """How many instances of each version the insights tell of."""
    insights = InsightQueries(reality.state, Models(reality.state))
    answer = (await insights.read(WORKSPACE, {"shop"}, Selection()))["shop"]
    return {version: sum(number for _texts, number in counts.by_kind()["s"]) for version, counts in answer.sums.items()}


class Watched(NamedTuple):
    """What a reader sees who looks again and again, repetitions left out."""

    sights: list[Sight]
    answers: list[dict[int, int]]


@asynccontextmanager
async def watched(reality: Reality) -> AsyncIterator[Watched]:
    seen = Watched([await look(reality)], [await ask(reality)])
    ended = asyncio.Event()

    async def watch() -> None:
        is_last = False
        while not is_last:
            is_last = ended.is_set()
            if (sight := await look(reality)) != seen.sights[-1]:
                seen.sights.append(sight)
            if (answer := await ask(reality)) != seen.answers[-1]:
                seen.answers.append(answer)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        ended.set()
        await watching


async def project(reality: Reality) -> None:
    async with Hands(reality) as before:
        await before.finish()


async def catch_up_partly(reality: Reality, hands: Hands) -> None:
    """Some customers are folded under the new build, and others are not: so many the first step does not take on."""
    await hands.identify()
    await hands.catch_up()
    [rebuild] = (await reality.progress.status(WORKSPACE)).rebuilds
    assert rebuild.folded > 0 and rebuild.share < 1


async def under(reality: Reality, live: bool) -> set[bytes]:
    """The customers with instances of the live build, or of the one that is being made."""
    state = "LIVE" if live else "BUILDING"
    builds = {row.build for row in await reality.rows(tables.builds) if row.state == state}
    return {row.customer for row in await reality.rows(tables.instances) if row.build in builds}


async def assert_swept(reality: Reality) -> None:
    [build] = {row.build for row in await reality.rows(tables.builds)}
    for table in (tables.instances, tables.steps, tables.counters, tables.build_progress):
        assert {row.build for row in await reality.rows(table)} == {build}
    assert await reality.rows(tables.counter_changes) == []


# --- readers ---------------------------------------------------------------------------------------------------------


async def test_readers_see_the_old_version_of_everybody_until_they_see_the_new_one(reality: Reality) -> None:
    events = lives()
    await reality.record(events)
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        async with watched(reality) as seen:
            await hands.finish()
    before, after = {1: CUSTOMERS}, {2: len(events)}
    assert seen == Watched([Sight(before, CUSTOMERS), Sight(after, CUSTOMERS)], [before, after])
    await assert_as_expected(reality, events, [SHOP, SECOND])
    await assert_swept(reality)


async def test_what_happens_meanwhile_is_seen_under_the_old_version_at_once(reality: Reality) -> None:
    events = lives()
    await reality.record(events)
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        await catch_up_partly(reality, hands)

        newcomers = [event(f"n{number}", "View", 20, ("user_id", f"n{number}")) for number in range(5)]
        returning = [event(f"r{number}", "View", 20, user(number)) for number in range(CUSTOMERS) if number % 20 == 0]
        events += newcomers + returning
        await reality.record(newcomers + returning)
        await hands.identify()
        assert await hands.fold() == len(newcomers + returning)

        more = len(newcomers + returning)
        assert await look(reality) == Sight({1: CUSTOMERS + more}, CUSTOMERS + len(newcomers))
        assert await ask(reality) == {1: CUSTOMERS + more}
        assert len((await reality.progress.status(WORKSPACE)).rebuilds) == 1
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP, SECOND])
    await assert_swept(reality)


async def test_a_rebuild_says_how_far_it_is(reality: Reality) -> None:
    await reality.record(lives())
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        await hands.identify()
        shares, folded = [], []
        while rebuilds := (await reality.progress.status(WORKSPACE)).rebuilds:
            [rebuild] = rebuilds
            shares.append(rebuild.share)
            folded.append(rebuild.folded)
            await hands.catch_up()
    assert shares[0] == folded[0] == 0
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    assert folded == sorted(folded)
    assert 0 < folded[1] < CUSTOMERS


# --- what may come between -------------------------------------------------------------------------------------------


async def test_a_rebuild_that_is_interrupted_goes_on_where_it_was(reality: Reality) -> None:
    """Every event is folded once under the new build, by the one process or by the other."""
    events = lives()
    await reality.record(events)
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        await catch_up_partly(reality, hands)
        by_the_first = hands.lanes.events
        await hands.fall_silent()
        async with Hands(reality) as successor:
            await successor.finish()
            assert 0 < by_the_first < len(events)
            assert by_the_first + successor.lanes.events == len(events)
    await assert_as_expected(reality, events, [SHOP, SECOND])
    await assert_swept(reality)


async def test_a_second_version_amid_a_rebuild_begins_another_one(reality: Reality) -> None:
    events = lives()
    await reality.record(events)
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        await catch_up_partly(reality, hands)
        await reality.publish([THIRD])
        async with watched(reality) as seen:
            await hands.finish()
    assert [tuple(versions) for versions, _customers in seen.sights] == [(1,), (3,)]
    assert [tuple(answer) for answer in seen.answers] == [(1,), (3,)]
    await assert_as_expected(reality, events, [SHOP, SECOND, THIRD])
    await assert_swept(reality)


async def test_merges_amid_a_rebuild_end_right(reality: Reality) -> None:
    """Whether the new build has neither of the two, one, the other or both."""
    events = lives()
    await reality.record(events)
    await project(reality)
    async with Hands(reality) as hands:
        await reality.publish([SECOND])
        await catch_up_partly(reality, hands)
        done = await under(reality, live=False)
        numbers: dict[bool, list[int]] = {True: [], False: []}
        for number in range(CUSTOMERS):
            numbers[customer_of(*user(number)) in done].append(number)
        chance = random.Random(1)
        pairs = [
            (chance.choice(numbers[one]), chance.choice(numbers[other]))
            for one in (True, False)
            for other in (True, False)
            for _ in range(5)
        ]
        links = [event(f"link{place}", "Else", 20, user(one), user(other)) for place, (one, other) in enumerate(pairs)]
        for link in links:
            await reality.record([link])
            await hands.identify()
            await hands.catch_up()
            await hands.fold()
        await hands.finish()
    await assert_as_expected(reality, events + links, [SHOP, SECOND])
    await assert_swept(reality)
