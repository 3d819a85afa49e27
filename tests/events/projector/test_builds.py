"""Builds follow from what was published; they are filled, take each other's place and are swept away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from infra.chassis.clock import to_rfc3339
from services.events import tables
from services.events.intake.position import Place
from services.events.models import builds
from services.events.models.builds import Build, BuildProgress
from services.events.models.queries import Models
from services.events.projector.dirty import Change, Waiting
from services.events.timeline.domain import END, first_key_at
from tests.events.projector.first_stage import FirstStage, customer_of, said, version
from tests.support.histories import DAY, EPOCH

HOUR = DAY // 24
ALL = range(16)
A, B = ("anonymous_id", "a"), ("anonymous_id", "b")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[FirstStage]:
    async with FirstStage(database_url) as opened:
        opened.now = EPOCH + 10 * DAY
        yield opened


@pytest.fixture
async def on_postgresql(postgresql_url: str) -> AsyncIterator[FirstStage]:
    async with FirstStage(postgresql_url) as opened:
        opened.now = EPOCH + 10 * DAY
        yield opened


def shown(current: list[Build]) -> list[tuple[str, tuple[int, ...], str]]:
    return [(build.journey, build.versions, "LIVE" if build.live else "BUILDING") for build in current]


def recently(before: int = 0) -> str:
    """So long before the moment at which it is logged."""
    return to_rfc3339(EPOCH + 10 * DAY - before)


async def switch(stage: FirstStage) -> None:
    async with stage.state.write() as connection:
        await builds.switch(connection, "default")


async def unfinished(stage: FirstStage) -> list[BuildProgress]:
    async with stage.state.read() as connection:
        return await builds.progress(connection, "default", ALL)


# --- what is published -----------------------------------------------------------------------------------------------


async def test_the_first_version_of_a_journey_is_live_at_once_and_still_to_be_filled(stage: FirstStage) -> None:
    place = await stage.take(version(1))
    [build] = await stage.builds()
    assert build[1:] == ("shop", (1,), True, place)
    assert await unfinished(stage) == [BuildProgress(build.number, partition, b"", 0) for partition in ALL]
    assert await stage.marks() == {}


async def test_journeys_that_are_published_together_have_a_build_each(stage: FirstStage) -> None:
    place = await stage.take(version(1), version(1, journey="loyalty"), version(2, None))
    assert shown(await stage.builds()) == [
        ("shop", (1,), "LIVE"), ("loyalty", (1,), "LIVE"), ("shop", (1, 2), "BUILDING"),
    ]  # fmt: skip
    assert {build.place for build in await stage.builds()} == {place}


async def test_a_version_from_about_now_is_added_and_only_what_happened_since_is_folded_again(
    stage: FirstStage,
) -> None:
    await stage.take(version(1), said(9, A), said(10, B))
    await stage.clear()
    place = await stage.take(version(2, recently(HOUR)))
    assert shown(await stage.builds()) == [("shop", (1, 2), "LIVE")]
    since = first_key_at(EPOCH + 10 * DAY - HOUR)
    assert await stage.marks() == {customer_of(*B): Waiting(Change(since, END, 0), place)}


async def test_a_version_and_events_of_one_row_mark_a_customer_once(stage: FirstStage) -> None:
    """Who has been folded up to now has a mark of the version; who has not is folded under it in any case."""
    await stage.take(version(1), said(9, A), said(10, A))
    await stage.clear()
    place = await stage.take(said(9.5, A), said(11, B), version(2, recently()), version(3, recently()))
    marks = await stage.marks()
    assert marks.keys() == {customer_of(*A), customer_of(*B)}
    waiting = marks[customer_of(*A)]
    assert (waiting.change.to_key, waiting.change.events, waiting.last) == (END, 1, place)
    late = EPOCH + 19 * DAY // 2
    assert first_key_at(late) < waiting.change.from_key < first_key_at(late + 1)


@pytest.mark.parametrize("effective_from", [None, recently(HOUR + 1)], ids=["always", "earlier"])
async def test_a_version_from_an_earlier_moment_is_built_beside_the_live_one(
    stage: FirstStage, effective_from: str | None
) -> None:
    await stage.take(version(1), said(10, A))
    await stage.clear()
    place = await stage.take(version(2, effective_from))
    live, building = await stage.builds()
    assert shown([live, building]) == [("shop", (1,), "LIVE"), ("shop", (1, 2), "BUILDING")]
    assert building.place == place
    assert await stage.marks() == {}

    await stage.take(version(3, recently()))  # goes into both
    assert shown(await stage.builds()) == [("shop", (1, 3), "LIVE"), ("shop", (1, 2, 3), "BUILDING")]

    await stage.take(version(4, effective_from))  # begins again
    assert shown(await stage.builds()) == [("shop", (1, 3), "LIVE"), ("shop", (1, 2, 3, 4), "BUILDING")]
    async with stage.state.read() as connection:
        assert await builds.retired(connection, "default") == [building.number]


async def test_a_version_that_is_known_changes_nothing(stage: FirstStage) -> None:
    await stage.take(version(1), version(2, None))
    before = await stage.builds()
    await stage.take(version(2, None), version(1))
    assert await stage.builds() == before
    assert [row.version for row in await stage.rows(tables.models)] == [1, 2]


# --- filling, replacing, sweeping ------------------------------------------------------------------------------------


async def test_a_build_that_is_through_takes_the_place_of_the_live_one(stage: FirstStage) -> None:
    await stage.take(version(1), version(2, None), version(1, journey="loyalty"))
    live, building, loyalty = await stage.builds()
    await stage.finish(live.number)
    async with stage.state.write() as connection:
        await builds.advance(connection, "default", building.number, 0, b"\x10" * 16, 3, False)
    assert (await unfinished(stage))[0] == BuildProgress(loyalty.number, 0, b"", 0)  # the live one first
    assert BuildProgress(building.number, 0, b"\x10" * 16, 3) in await unfinished(stage)
    await switch(stage)
    assert await stage.builds() == [live, building, loyalty]

    await stage.finish(building.number)
    await switch(stage)
    assert await stage.builds() == [building._replace(live=True), loyalty]
    async with stage.state.read() as connection:
        assert await builds.retired(connection, "default") == [live.number]
    assert {part.build for part in await unfinished(stage)} == {loyalty.number}


async def test_two_processes_that_switch_at_once_do_it_once(on_postgresql: FirstStage) -> None:
    stage = on_postgresql
    await stage.take(version(1), version(2, None))
    live, building = await stage.builds()
    await stage.finish(building.number)
    both_began = asyncio.Barrier(2)

    async def attempt() -> None:
        async with stage.state.write() as connection:
            await builds.active(connection, "default")
            await both_began.wait()
            await builds.switch(connection, "default")

    await asyncio.gather(attempt(), attempt())
    assert await stage.builds() == [building._replace(live=True)]
    assert [row for row in await stage.rows(tables.build_progress) if row.build == live.number] == [
        ("default", live.number, -1, b"", 0, False)
    ]


async def test_a_switch_waits_for_a_publication_and_sees_what_it_did(on_postgresql: FirstStage) -> None:
    stage = on_postgresql
    await stage.take(version(1), version(2, None))
    _live, building = await stage.builds()
    await stage.finish(building.number)
    published = asyncio.Event()

    async def publish() -> None:
        async with stage.state.write() as connection:
            third = builds.Publication(Place(0, 99), 0, stage.now, version(3, None))
            await builds.publish(connection, "default", [third])
            published.set()
            while not await _somebody_waits(stage):
                pass

    async def replace() -> None:
        await published.wait()
        await switch(stage)

    await asyncio.gather(publish(), replace())
    assert shown(await stage.builds()) == [("shop", (1,), "LIVE"), ("shop", (1, 2, 3), "BUILDING")]


async def _somebody_waits(stage: FirstStage) -> bool:
    async with stage.state.read() as connection:
        waits = await connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(waits.scalar_one())


async def test_a_step_that_saw_a_build_before_it_was_retired_is_refused(on_postgresql: FirstStage) -> None:
    stage = on_postgresql
    await stage.take(version(1), version(2, None))
    with pytest.raises(DBAPIError, match="could not serialize access"):
        async with stage.state.write(snapshot=True) as connection:
            assert len(await builds.active(connection, "default")) == 2
            await stage.take(version(3, None))
            await builds.hold(connection, "default")


async def test_a_retired_build_is_swept_in_portions_and_nothing_else_is(stage: FirstStage) -> None:
    await stage.take(version(1), version(2, None))
    live, building = await stage.builds()
    kept: dict[Any, list[Any]] = {}
    for build in (live, building):
        await _fill(stage, build.number, customers=5, counters=3)
        kept = {
            table: [row for row in await stage.rows(table) if row.build == building.number]
            for table in (tables.instances, tables.steps, tables.counters)
        }
    await stage.finish(building.number)
    await switch(stage)

    swept: list[int] = []
    async with stage.state.read() as connection:
        [number] = await builds.retired(connection, "default")
    while not swept or swept[-1]:
        async with stage.state.write() as connection:
            swept.append(await builds.sweep(connection, "default", number, 2))
    assert number == live.number
    assert swept == [2, 2, 1, 2, 1, 0]
    assert {table: await stage.rows(table) for table in kept} == kept
    async with stage.state.read() as connection:
        assert await builds.retired(connection, "default") == []
    assert {row.build for row in await stage.rows(tables.build_progress)} == {building.number}


async def _fill(stage: FirstStage, build: int, customers: int, counters: int) -> None:
    """Rows of a build, two instances with a step each for every customer."""
    owner = [{"workspace": "default", "build": build, "customer": bytes([number]) * 16} for number in range(customers)]
    instance = {
        "partition": 0, "journey": "shop", "version": 1, "run": 1, "status": "ACTIVE", "phase": "look",
        "furthest": "look", "started_at": 0, "start_event": "1-0", "source": "shop",
        "last_event_at": 0,
    }  # fmt: skip
    step = {"seq": 1, "slot": 0, "phase": "look", "direction": "START", "status": "ACTIVE"}
    names = {column.name for column in tables.steps.columns}
    cell = {
        "workspace": "default",
        "build": build,
        "version": 1,
        "span": "day",
        "dimension": "",
        "value": "",
        "body": b"",
        "gaps": b"",
    }
    async with stage.state.write() as connection:
        for run in (b"1", b"2"):
            rows = [one | instance | {"instance": run * 16, "start_key": run} for one in owner]
            await connection.execute(insert(tables.instances), rows)
            rows = [one | step | {"instance": run * 16, "key": run} for one in owner]
            rows = [{name: value for name, value in row.items() if name in names} for row in rows]
            await connection.execute(insert(tables.steps), rows)
        await connection.execute(insert(tables.counters), [cell | {"day": day} for day in range(counters)])


# --- what readers and the fold are told ------------------------------------------------------------------------------


async def test_readers_have_all_documents_and_the_schedule_of_the_live_build(stage: FirstStage) -> None:
    models = Models(stage.state)
    assert await models.journeys("default") == {}
    await stage.take(version(1), version(2, None))
    held = await models.journeys("default")
    assert sorted(held["shop"].documents) == [1, 2]
    assert [each.number for each in held["shop"].schedule.versions] == [1]
    assert await models.journeys("default") is held

    _live, building = await stage.builds()
    await stage.finish(building.number)
    await switch(stage)
    assert [each.number for each in (await models.journeys("default"))["shop"].schedule.versions] == [1, 2]


async def test_schedules_of_builds_share_what_was_compiled(stage: FirstStage) -> None:
    models = Models(stage.state)
    await stage.take(version(1), version(2, None))
    current = await stage.builds()
    async with stage.state.read() as connection:
        one = await models.schedules(connection, "default", current)
        assert await models.schedules(connection, "default", current) == one  # schedules are equal if they are the same
    live, building = (one[build.number] for build in current)
    assert [each.number for each in building.versions] == [1, 2]
    assert live.versions[0] is building.versions[0]
