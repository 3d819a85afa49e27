"""Every subscriber is told everything from its position on, once and in order, whatever the others do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.streams.subscriber import Interest, Patience, TooSlow
from infra.chassis.errors import BadRequest, Problem, Unavailable
from tests.gateway.streams.record import Record

AWAY = Unavailable("away", code="UPSTREAM_UNAVAILABLE")


class Reader:
    """A subscriber who takes as much as it is told to."""

    def __init__(self, record: Record, after: int | None = None, interest: Interest[int] | None = None) -> None:
        self.found: list[int] = []
        self.task = asyncio.create_task(self._read(record, after, interest))
        self._may_take = asyncio.Semaphore(0)

    def take(self, count: int) -> None:
        for _ in range(count):
            self._may_take.release()

    async def _read(self, record: Record, after: int | None, interest: Interest[int] | None) -> None:
        async with aclosing(record.numbers(after, interest)) as numbers:
            while True:
                await self._may_take.acquire()
                self.found.append(await anext(numbers))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(0.001)


async def leave(*readers: Reader) -> None:
    for reader in readers:
        reader.task.cancel()
    await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)


async def test_at_every_position_a_subscriber_goes_on_without_a_gap_or_a_repeat() -> None:
    record = Record()
    record.add(10)
    readers = [Reader(record, after) for after in range(11)]
    for reader in readers:
        reader.take(20)
    await asyncio.sleep(0)
    record.add(5)
    await until(lambda: all(reader.found[-1:] == [15] for reader in readers))
    assert [reader.found for reader in readers] == [list(range(after + 1, 16)) for after in range(11)]
    assert record.opened == [None]
    await leave(*readers)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 9)),
        st.tuples(st.just("join"), st.integers(0, 3)),
        st.tuples(st.just("take"), st.integers(1, 9)),
        st.tuples(st.just("break"), st.just(0)),
        st.tuples(st.just("run"), st.integers(1, 12)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whoever_joins_falls_behind_or_is_cut_off_is_told_all_in_order(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_all_in_order(steps))


async def _all_in_order(steps: list[tuple[str, int]]) -> None:
    record = Record(Patience(queue=4, room_seconds=0, seconds=60))
    readers: list[tuple[int, Reader]] = []
    for step, count in [("add", 3), *steps]:
        match step:
            case "add":
                record.add(count)
            case "join":
                after = max(record.last - count, 0)
                readers.append((after, Reader(record, after)))
            case "take":
                for _after, reader in readers:
                    reader.take(count)
            case "break":
                record.fail(AWAY)
                await asyncio.sleep(0)
                record.fail(None)
            case "run":
                for _ in range(count):
                    await asyncio.sleep(0)
    for after, reader in readers:
        reader.take(1_000)
        wanted = list(range(after + 1, record.last + 1))
        await until(lambda reader=reader, wanted=wanted: reader.task.done() or len(reader.found) >= len(wanted))
        if reader.task.done():  # it came while the upstream was away
            assert (reader.task.exception(), reader.found) == (AWAY, [])
        else:
            assert reader.found == wanted
    await leave(*(reader for _after, reader in readers))
    assert record.following == 0


async def test_without_a_position_a_subscriber_is_told_what_comes() -> None:
    record = Record()
    record.add(4)
    reader = Reader(record)
    reader.take(9)
    await until(lambda: record.following == 1)
    await asyncio.sleep(0)
    record.add(2)
    await until(lambda: reader.found == [5, 6])
    await leave(reader)


async def test_only_what_is_of_interest_is_told_past_and_present() -> None:
    record = Record()
    record.add(40)
    readers = [
        Reader(record, 0, Interest(ids=frozenset({"customer 3", "nobody"}))),
        Reader(record, 0, Interest(wants=lambda number: number % 7 == 0)),
        Reader(record, 0, Interest(lambda number: number > 40, frozenset({"customer 1"}))),
    ]
    for reader in readers:
        reader.take(99)
    await until(lambda: len(readers[0].found) == 4)
    record.add(20)
    await until(lambda: [reader.found[-1:] for reader in readers] == [[53], [56], [51]])
    assert [reader.found for reader in readers] == [
        [3, 13, 23, 33, 43, 53],
        [7, 14, 21, 28, 35, 42, 49, 56],
        [41, 51],
    ]
    await leave(*readers)


async def test_one_who_takes_nothing_is_told_that_it_is_too_slow_and_the_others_notice_nothing() -> None:
    record = Record(Patience(queue=256, room_seconds=0, seconds=0))
    slow, *others = [Reader(record) for _ in range(5)]
    slow.take(1)
    for reader in others:
        reader.take(9_999)
    await until(lambda: record.following == 1)
    record.add(1)
    await until(lambda: slow.found == [1])
    for size in (256, 1, 99):
        record.add(size)
        await until(lambda: all(reader.found[-1] == record.last for reader in others))
    slow.take(1)
    with pytest.raises(TooSlow) as refusal:
        await slow.task
    assert (refusal.value.code, slow.found) == ("TOO_SLOW", [1])
    assert all(reader.found == list(range(1, 358)) for reader in others)
    await leave(*others)


async def test_a_full_queue_is_no_harm_to_one_who_goes_on_taking() -> None:
    record = Record(Patience(queue=4, room_seconds=0, seconds=60))
    record.add(1)
    slow, other = Reader(record, 0), Reader(record, 0)
    slow.take(1)
    other.take(9_999)
    await until(lambda: slow.found == [1])
    record.add(100)
    await until(lambda: other.found[-1] == 101)
    slow.take(9_999)
    await until(lambda: slow.found[-1] == 101)
    assert slow.found == list(range(1, 102))
    await leave(slow, other)


async def test_when_all_are_gone_nothing_is_left() -> None:
    record = Record()
    before = asyncio.all_tasks()
    readers = [Reader(record, 0) for _ in range(300)]
    for reader in readers:
        reader.take(9)
    record.add(3)
    await until(lambda: all(reader.found == [1, 2, 3] for reader in readers))
    assert record.following == 1
    await leave(*readers)
    assert (record.following, asyncio.all_tasks() - before) == (0, set())


async def test_it_is_followed_again_from_where_it_broke() -> None:
    record = Record()
    reader = Reader(record, 0)
    reader.take(99)
    record.add(5)
    await until(lambda: reader.found[-1:] == [5])
    record.fail(AWAY)
    await until(lambda: record.following == 0)
    record.add(2)
    record.fail(None)
    await until(lambda: reader.found[-1] == 7)
    assert reader.found == [1, 2, 3, 4, 5, 6, 7]
    assert record.opened[0] is None
    assert set(record.opened[1:]) == {"000005"}
    await leave(reader)


@pytest.mark.parametrize("problem", [AWAY, BadRequest("old", code="POSITION_TOO_OLD")])
async def test_what_cannot_be_followed_is_refused_at_once(problem: Problem) -> None:
    record = Record()
    record.fail(problem)
    for _ in range(2):
        reader = Reader(record)
        reader.take(1)
        with pytest.raises(Problem) as refusal:
            await reader.task
        assert refusal.value is problem
    record.fail(None)
    reader = Reader(record, 0)
    reader.take(9)
    record.add(1)
    await until(lambda: reader.found == [1])
    await leave(reader)


async def test_a_feed_that_cannot_go_on_where_it_was_ends_all() -> None:
    record = Record()
    readers = [Reader(record, 0), Reader(record, 0)]
    for reader in readers:
        reader.take(9)
    record.add(1)
    await until(lambda: all(reader.found == [1] for reader in readers))
    record.fail(BadRequest("old", code="POSITION_TOO_OLD"))
    for reader in readers:
        with pytest.raises(BadRequest):
            await reader.task
    assert record.following == 0


async def test_who_listens_without_being_a_subscriber_is_not_left_behind_by_a_failure() -> None:
    record = Record()
    record.add(3)
    reader = Reader(record)
    async with record.channel.opened():
        await until(lambda: record.following == 1)
        record.fail(BadRequest("broken"))
        with pytest.raises(BadRequest):
            reader.take(1)
            await reader.task
        record.fail(None)
        await until(lambda: record.following == 1)
        assert record.opened[-1] is None
        assert record.gaps >= 1
