"""Group commit: what gathers while a commit is in flight, and who hears of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from infra.chassis.errors import Unavailable
from services.events.intake.position import Place
from services.events.intake.slots import Blank, Slot
from services.events.intake.store import Group
from services.events.intake.writer import LogWriter


class GatedLog:
    """A log whose commits wait until the test lets them end."""

    def __init__(self) -> None:
        self.commits: list[list[tuple[str, int]]] = []
        self._gates: asyncio.Queue[Exception | None] = asyncio.Queue()
        self._begun = asyncio.Semaphore(0)

    async def append(self, groups: Sequence[Group], logged_at: int) -> list[Place]:
        assert logged_at == 42
        self.commits.append([(group.workspace, len(group.slots)) for group in groups])
        number = len(self.commits)
        self._begun.release()
        failure = await self._gates.get()
        if failure:
            raise failure
        return [Place(number, index) for index, _group in enumerate(groups)]

    async def begun(self) -> None:
        """Waits until the next commit is in flight."""
        await self._begun.acquire()

    def finish(self, failure: Exception | None = None) -> None:
        self._gates.put_nowait(failure)


def slots(count: int = 1) -> list[Slot]:
    return [Blank()] * count


class House:
    def __init__(self, waiting_bytes: int = 1_000) -> None:
        self.log = GatedLog()
        self.rung = 0
        self.writer = LogWriter(self.log, lambda: 42, self._ring, waiting_bytes)

    def _ring(self) -> None:
        self.rung += 1

    def send(self, workspace: str = "w", count: int = 1, size: int = 1) -> asyncio.Task[Place]:
        return asyncio.create_task(self.writer.submit(workspace, slots(count), size))


async def test_what_arrives_during_a_commit_goes_into_the_next_one() -> None:
    house = House()
    first = house.send()
    await house.log.begun()
    later = [house.send(), house.send("v", 3), house.send(count=2)]
    house.log.finish()
    assert await first == Place(1, 0)
    await house.log.begun()
    house.log.finish()
    assert await asyncio.gather(*later) == [Place(2, 0), Place(2, 1), Place(2, 0)]
    assert house.log.commits == [[("w", 1)], [("w", 3), ("v", 3)]]
    assert house.rung == 2


@pytest.mark.parametrize("failure", [Unavailable("gone"), RuntimeError("a bug")])
async def test_a_failing_commit_fails_exactly_its_waiters(failure: Exception) -> None:
    house = House()
    doomed = [house.send(), house.send("v")]
    await house.log.begun()
    later = house.send()
    house.log.finish(failure)
    outcomes = await asyncio.gather(*doomed, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    await house.log.begun()
    house.log.finish()
    assert await later == Place(2, 0)
    assert house.rung == 1


async def test_a_client_that_leaves_takes_nobody_along() -> None:
    house = House()
    leaving, staying = house.send(), house.send()
    await house.log.begun()
    leaving.cancel()
    house.log.finish()
    assert await staying == Place(1, 0)
    assert leaving.cancelled()
    assert house.log.commits == [[("w", 2)]]  # it may hear nothing, but its event was taken


async def test_groups_are_bounded() -> None:
    house = House()
    first = house.send()
    await house.log.begun()
    rest = [house.send(count=2_500) for _ in range(3)]
    house.log.finish()
    house.log.finish()
    house.log.finish()
    await asyncio.gather(first, *rest)
    assert house.log.commits == [[("w", 1)], [("w", 5_000)], [("w", 2_500)]]


async def test_more_than_may_wait_is_refused_and_room_comes_back() -> None:
    house = House(waiting_bytes=10)
    first = house.send(size=100)  # a single one is always taken
    await house.log.begun()
    waiting = [house.send(size=5), house.send(size=5)]
    with pytest.raises(Unavailable) as caught:
        await house.send(size=1)
    assert caught.value.headers() == {"Retry-After": "1"}
    house.log.finish()
    await first
    await house.log.begun()
    again = house.send(size=10)
    house.log.finish()
    house.log.finish()
    assert await asyncio.gather(*waiting, again) == [Place(2, 0), Place(2, 0), Place(3, 0)]


async def test_closing_flushes_and_takes_nothing_more() -> None:
    house = House()
    first = house.send()
    await house.log.begun()
    second = house.send()
    house.log.finish()
    await house.log.begun()
    closing = asyncio.create_task(house.writer.close())
    house.log.finish()
    await closing
    assert (first.result(), second.result()) == (Place(1, 0), Place(2, 0))
    with pytest.raises(Unavailable):
        await house.writer.submit("w", slots(), 1)


async def test_what_is_imported_has_a_row_of_its_own_in_the_same_commit() -> None:
    house = House()
    first = house.send()
    await house.log.begun()
    live = house.send(count=2)
    imported = asyncio.create_task(house.writer.submit("w", slots(3), 1, imported=True))
    await asyncio.sleep(0)  # both have asked
    house.log.finish()
    await house.log.begun()
    house.log.finish()
    assert (await first, await live, await imported) == (Place(1, 0), Place(2, 0), Place(2, 1))
    assert house.log.commits == [[("w", 1)], [("w", 2), ("w", 3)]]
