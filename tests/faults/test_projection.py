"""Projectors under load with merges: whatever dies, stands still or comes back, nothing is wrong at the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.chassis.database import Database
from services.events.doctor.counting import WrongCounter, wrong_counters
from services.events.insights import store as insights_store
from tests.faults.test_projectors import LEASE_SECONDS, LEASES, pause_amid_a_step, rows, says_refused, shares
from tests.support.load import Load
from tests.support.platform import Platform, Process, four_processes, until
from tests.support.stories import shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

_JOURNEY = shop_journey("shop")
_CUSTOMERS = 2_000
_ANY_ORDER = 30
"""More events than a customer has: who is who is often learned last."""
_NOBODYS = """
SELECT name FROM leases WHERE NOT EXISTS (
    SELECT FROM projectors WHERE owner = leases.owner AND expires_at > extract(epoch FROM clock_timestamp()) * 1000000
)
"""
_COUNT = "SELECT count(*) FROM customers"
_LOOK_SECONDS = 0.02
_START_SECONDS = 30


class Projectors:
    """Some projector processes, known by the names under which they own leases."""

    def __init__(self, platform: Platform, url: str, folder: Path) -> None:
        self._platform = platform
        self._url = url
        self._folder = folder
        self._first = platform.processes["projector"]
        self.processes: dict[str, Process] = {}
        self._await_one_more(self._first)

    def add(self) -> str:
        """Starts another one, and waits until all have their shares; its name."""
        number = len(self._platform.processes)
        process = Process(self._first.arguments, self._first.environment, self._folder / f"projector {number}.log")
        self._platform.processes[f"projector {number}"] = process
        process.start()
        return self._await_one_more(process)

    def restart(self, process: Process) -> str:
        process.start()
        return self._await_one_more(process)

    def kill(self, owner: str) -> tuple[Process, float]:
        """The process, and how many seconds later the others owned everything."""
        process = self.processes.pop(owner)
        process.kill()
        return process, self._seconds_until_taken_over()

    def stop(self, owner: str) -> tuple[Process, float]:
        process = self.processes.pop(owner)
        assert process.stop() == 0
        return process, self._seconds_until_taken_over()

    def pause(self, owner: str) -> float:
        pause_amid_a_step(self.processes[owner], self._url)
        began = time.monotonic()
        until(lambda: sum(shares(self._url).values()) == LEASES and owner not in shares(self._url), 20, "taken over")
        return time.monotonic() - began

    def wake(self, owner: str) -> None:
        """It finds its step refused, and comes to have a share again."""
        process = self.processes[owner]
        before = process.log.stat().st_size
        process.resume()
        until(lambda: says_refused(process.log.read_text()[before:]), 10, "its step is refused")
        until(lambda: self._are_shared(), _START_SECONDS, "all have a share again")

    def _await_one_more(self, process: Process) -> str:
        until(lambda: len(shares(self._url).keys() - self.processes.keys()) == 1, _START_SECONDS, "it has a share")
        [owner] = shares(self._url).keys() - self.processes.keys()
        self.processes[owner] = process
        until(lambda: self._are_shared(), _START_SECONDS, "all have a share")
        return owner

    def _are_shared(self) -> bool:
        held = shares(self._url)
        return held.keys() == self.processes.keys() and sum(held.values()) == LEASES

    def _seconds_until_taken_over(self) -> float:
        began = time.monotonic()
        until(lambda: self._are_shared(), 20, "the others take over")
        return time.monotonic() - began


@contextmanager
def unowned(url: str) -> Iterator[Counter[str]]:
    """How many seconds in a row each lease was nobody's at worst, as far as looking now and then shows it."""
    longest: Counter[str] = Counter()
    ended = threading.Event()

    def watch() -> None:
        since: dict[str, float] = {}
        while not ended.wait(_LOOK_SECONDS):
            now = time.monotonic()
            nobodys = {name for (name,) in rows(url, _NOBODYS)}
            since = {name: since.get(name, now) for name in nobodys}
            for name, began in since.items():
                longest[name] = max(longest[name], now - began)  # type: ignore[assignment]  # seconds, not integers

    watching = threading.Thread(target=watch, name="leases")
    watching.start()
    try:
        yield longest
    finally:
        ended.set()
        watching.join()


def assert_counters_are_sums(url: str) -> None:
    """The counters with what is still to be added to them, against what instances and steps contribute.

    Of journeys that readers see, at once; what a build that is gone has left goes when changes are added up next.
    """

    async def look() -> tuple[list[WrongCounter], bool]:
        state = Database(url)
        try:
            async with state.read(snapshot=True) as connection:
                counted = await insights_store.counted(connection, "default")
                summed = await insights_store.summed(connection, "default")
                return await wrong_counters(connection, "default"), counted == summed and len(counted) > 0
        finally:
            await state.close()

    wrong, _ = asyncio.run(look())
    assert wrong == []
    until(lambda: asyncio.run(look()) == ([], True), 20, "nothing is counted but what there is")


@pytest.mark.timeout(400)
def test_projectors_that_die_stand_still_and_come_back_leave_nothing_wrong(
    tmp_path: Path, postgresql_url: str, seed: int
) -> None:
    url = postgresql_url
    with four_processes(tmp_path, url) as platform:
        platform.publish(_JOURNEY)
        projectors = Projectors(platform, url, tmp_path)
        first, second, third = [*projectors.processes, projectors.add(), projectors.add()]
        with unowned(url) as nobodys, Load(platform, seed, rate=500, lateness=_ANY_ORDER) as load:

            def more(events: int) -> None:
                enough = load.acknowledged + events
                until(lambda: load.acknowledged > enough, 60, "the load goes on")

            more(1_000)
            died, after_first_death = projectors.kill(first)
            more(2_000)
            projectors.restart(died)
            more(1_000)
            after_pause = projectors.pause(second)
            more(1_000)
            projectors.wake(second)
            more(1_000)
            died, after_second_death = projectors.kill(third)
            more(1_000)
            projectors.restart(died)
            ended, after_end = projectors.stop(second)
            more(1_000)
            projectors.restart(ended)
            until(lambda: rows(url, _COUNT)[0][0] >= _CUSTOMERS, 120, "enough customers")
            load.finish(30)
        platform.settle()
        print(verify(url, url, _JOURNEY, load.ledgers))
        assert_counters_are_sums(url)
        assert rows(url, "SELECT count(*) FROM stuck") == [(0,)]
    print(
        f"taken over {after_first_death:.2f} s and {after_second_death:.2f} s after deaths, {after_pause:.2f} s after a"
        f" standstill, {after_end:.2f} s after an end; a lease was nobody's for {max(nobodys.values()):.2f} s at most"
    )
    assert max(after_first_death, after_second_death, after_pause) < 2 * LEASE_SECONDS
    assert after_end < LEASE_SECONDS
