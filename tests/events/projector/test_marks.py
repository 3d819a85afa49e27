"""Whatever arrives in whatever order: marks tell exactly which part of whose history became another one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.intake.position import Place
from services.events.intake.slots import Recorded
from services.events.projector import dirty
from services.events.projector.dirty import EVERYTHING, Change, Waiting
from services.events.tables import dirty as dirty_table
from services.events.timeline.domain import END, first_key_at
from tests.events.projector.first_stage import FirstStage, Identifier, customer_of, key_of, said
from tests.support.histories import DAY, EPOCH

A, B, USER, OTHER = ("anonymous_id", "a"), ("anonymous_id", "b"), ("user_id", "u"), ("user_id", "v")


def at(event: Recorded) -> Change:
    return Change(key_of(event), key_of(event), 1)


async def test_an_event_changes_a_history_at_its_own_place_only(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        first, second, late = said(1, A), said(4, A), said(2, A)
        place = await stage.take(first, second)
        assert await stage.marks() == {customer_of(*A): Waiting(Change(key_of(first), key_of(second), 2), place)}

        await stage.clear()
        place = await stage.take(late)
        assert await stage.marks() == {customer_of(*A): Waiting(at(late), place)}


async def test_an_identifier_that_is_new_brings_nothing_but_its_events(database_url: str) -> None:
    """The common case, somebody logs in: the history goes on where it stood."""
    async with FirstStage(database_url) as stage:
        await stage.take(said(0, A))
        await stage.clear()
        login = said(1, USER, A)
        place = await stage.take(login)
        assert await stage.marks() == {customer_of(*A): Waiting(at(login), place)}


async def test_a_merge_changes_the_survivor_from_the_first_event_it_gained(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        gained = said(2, USER)
        await stage.take(said(0, A), said(5, A), gained, said(3, USER))
        await stage.clear()
        link = said(6, USER, A)
        place = await stage.take(link)
        assert await stage.marks() == {
            customer_of(*A): Waiting(Change(key_of(gained), END, 1), place),
            customer_of(*USER): Waiting(EVERYTHING, place),
        }


async def test_an_event_under_a_name_that_came_earlier_gives_the_customer_another_id(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        seen = said(3, A)
        await stage.take(seen, said(4, USER, A))
        await stage.clear()
        early = said(1, USER)
        place = await stage.take(early)
        assert await stage.marks() == {
            customer_of(*A): Waiting(EVERYTHING, place),
            customer_of(*USER): Waiting(Change(key_of(early), END, 1), place),
        }


async def test_a_link_that_arrives_late_takes_members_from_another_customer(database_url: str) -> None:
    """A shared browser belongs to who logged in first, and that is learned last."""
    async with FirstStage(database_url) as stage:
        seen, alone, other = said(0, A), said(2, USER), said(4, OTHER, A)
        await stage.take(seen, alone, other)
        await stage.clear()
        late = said(3, USER, A)
        place = await stage.take(late)
        assert await stage.histories() == {
            customer_of(*A): [key_of(seen), key_of(alone), key_of(late)],
            customer_of(*OTHER): [key_of(other)],
        }
        assert await stage.marks() == {
            customer_of(*A): Waiting(Change(b"", END, 1), place),  # it lost one and gained another
            customer_of(*OTHER): Waiting(Change(key_of(other), END, 0), place),
            customer_of(*USER): Waiting(EVERYTHING, place),
        }


async def test_the_marks_that_waited_longest_come_first_each_with_all_that_its_customer_has(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        events = [said(3, A), said(1, B), said(2, USER), said(5, A)]
        places = [await stage.take(event) for event in events]
        both = Waiting(Change(key_of(events[0]), key_of(events[3]), 2), places[3])
        async with stage.state.read() as connection:

            async def waiting(marks: int, *left_out: bytes, partitions: Sequence[int] = range(16)) -> object:
                found = await dirty.waiting(connection, "default", partitions, marks, left_out)
                return list(found.items())

            assert await waiting(1) == [(customer_of(*A), both)]
            assert await waiting(2) == [(customer_of(*A), both), (customer_of(*B), Waiting(at(events[1]), places[1]))]
            assert await waiting(1, customer_of(*A), customer_of(*B)) == [
                (customer_of(*USER), Waiting(at(events[2]), places[2]))
            ]
            mine = dirty.partition_of(customer_of(*A))
            assert (customer_of(*A), both) in await waiting(9, partitions=[mine])  # type: ignore[operator]
            assert (customer_of(*A), both) not in await waiting(9, partitions={*range(16)} - {mine})  # type: ignore
            assert await dirty.waiting(connection, "other", range(16), 9) == {}


async def test_a_fold_clears_no_mark_that_came_after_it_had_read(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        first, second, third = said(1, A), said(2, A), said(3, A)
        await stage.take(first)
        read = await stage.take(second)
        last = await stage.take(third, said(4, B))
        async with stage.state.write() as connection:
            await dirty.clear_until(connection, "default", customer_of(*A), read)
        marks = await stage.marks()
        assert marks[customer_of(*A)] == Waiting(at(third), last)
        assert len(marks) == 2
        async with stage.state.write() as connection:
            await dirty.clear(connection, "default", [customer_of(*A)])
        assert list(await stage.marks()) == [customer_of(*B)]


async def test_only_who_has_an_event_since_a_moment_is_marked_from_there(database_url: str) -> None:
    async with FirstStage(database_url) as stage:
        events = [said(1, A), said(3, A), said(2, B), said(4, USER)]
        place = await stage.take(*events)
        since = EPOCH + 3 * DAY
        moment = first_key_at(since)
        await stage.clear()
        async with stage.state.write() as connection:
            await dirty.mark(connection, "default", {customer_of(*A): (place, at(events[0]))})
            await dirty.mark_since(connection, "default", place, since)
        assert await stage.marks() == {
            customer_of(*A): Waiting(Change(key_of(events[0]), END, 1), place),
            customer_of(*USER): Waiting(Change(moment, END, 0), place),
        }
        assert {(row.customer, row.partition) for row in await stage.rows(dirty_table)} == {
            (customer, dirty.partition_of(customer)) for customer in (customer_of(*A), customer_of(*USER))
        }
        async with stage.state.write() as connection:
            await dirty.mark_since(connection, "default", Place(place.xid, place.seq + 1), since)
        assert (await stage.marks())[customer_of(*A)].last == Place(place.xid, place.seq + 1)


_IDENTIFIERS: list[Identifier] = [USER, OTHER, ("email", "e"), ("crm_id", "c"), A, B, ("loyalty", "l")]
_WORKSPACES = [f"w{number}" for number in range(2_000)]  # one for each example, those of shrinking included


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[list[Recorded], bool]]:
    """What arrives together, and whether everybody who is marked is folded afterwards."""
    names = st.lists(st.sampled_from(_IDENTIFIERS), min_size=1, max_size=3, unique=True)
    event = st.builds(
        lambda day, some, verified: said(day, *some, verified=verified), st.integers(0, 9), names, st.booleans()
    )
    return draw(st.lists(st.tuples(st.lists(event, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8))


async def _check(stage: FirstStage, workspace: str, arrival: list[tuple[list[Recorded], bool]]) -> None:
    folded: dict[bytes, list[bytes]] = {}
    for batch, folds in arrival:
        before = await stage.marks(workspace)
        await stage.take(*batch, workspace=workspace)
        marks, histories = await stage.marks(workspace), await stage.histories(workspace)
        came_in = sum(mark.change.events for mark in marks.values()) - sum(
            mark.change.events for mark in before.values()
        )
        assert came_in == len(batch)
        for customer in folded.keys() | histories.keys():
            then, now = folded.get(customer, []), histories.get(customer, [])
            if customer not in marks:
                assert now == then
                continue
            from_key, to_key, *_rest = marks[customer].change
            assert [key for key in now if not from_key <= key <= to_key] == [
                key for key in then if not from_key <= key <= to_key
            ]
            if set(then) - set(now):
                assert from_key == b""
        if folds:
            await stage.clear(workspace)
            folded = histories


def test_nothing_changes_outside_of_what_is_marked(tmp_path_factory: pytest.TempPathFactory) -> None:
    workspaces = iter(_WORKSPACES)
    url = f"sqlite:///{tmp_path_factory.mktemp('marks') / 'test.db'}"
    stage = FirstStage(url, _WORKSPACES)
    with asyncio.Runner() as runner:
        runner.run(stage.__aenter__())

        @settings(max_examples=60, deadline=None)
        @given(arrival=arrivals())
        def holds(arrival: list[tuple[list[Recorded], bool]]) -> None:
            runner.run(_check(stage, next(workspaces), arrival))

        try:
            holds()
        finally:
            runner.run(stage.__aexit__())
