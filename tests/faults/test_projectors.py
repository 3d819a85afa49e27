"""Two projector processes: they share the work, take over from each other, and a former owner changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.events.projector.leases import LEASE_MICROSECONDS, lease_names
from tests.support.load import Load, Probe
from tests.support.platform import Platform, Process, four_processes, until
from tests.support.stories import customer_of, shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

LEASE_SECONDS = LEASE_MICROSECONDS / 1e6
LEASES = len(lease_names(["default"]))
HALVES = [LEASES // 2, LEASES - LEASES // 2]
_JOURNEY = shop_journey("shop")
_OWNERS = """
SELECT owner FROM leases JOIN projectors USING (owner)
WHERE expires_at > extract(epoch FROM clock_timestamp()) * 1000000
"""
_STANDS_STILL = """
SELECT pid, clock_timestamp() - state_change > interval '300 ms' FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND EXISTS (
    SELECT FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid AND mode = 'RowExclusiveLock'
    AND relation IN ('cursors'::regclass, 'customers'::regclass)
)
"""
"""Transactions of steps that have written, of either stage: leases are renewed in others, which nobody refuses."""
_NOT_FENCED = "SELECT name FROM leases FOR UPDATE SKIP LOCKED"


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def shares(url: str) -> dict[str, int]:
    """How many leases each living projector holds."""
    return Counter(owner for (owner,) in rows(url, _OWNERS))


@contextmanager
def two_projectors(folder: Path, url: str) -> Iterator[tuple[Platform, dict[str, Process]]]:
    """Four processes and a second projector; the projectors by the name under which they own leases."""
    with four_processes(folder, url) as platform:
        first = platform.processes["projector"]
        until(lambda: sum(shares(url).values()) == LEASES, 10, "one projector owns everything")
        [owner] = shares(url)
        second = Process(first.arguments, first.environment, folder / "second projector.log")
        platform.processes["second projector"] = second
        second.start()
        until(lambda: sorted(shares(url).values()) == HALVES, 10, "both have a share")
        [other] = shares(url).keys() - {owner}
        platform.publish(_JOURNEY)
        yield platform, {owner: first, other: second}


def seconds_until_owned_by(url: str, owner: str) -> float:
    began = time.monotonic()
    until(lambda: shares(url) == {owner: LEASES}, 20, "the other takes over")
    return time.monotonic() - began


@pytest.mark.timeout(100)
def test_the_work_of_a_projector_that_ends_is_taken_over(tmp_path: Path, postgresql_url: str, seed: int) -> None:
    with two_projectors(tmp_path, postgresql_url) as (platform, projectors), Load(platform, seed) as load:
        (stays, _), (ends, process) = projectors.items()
        until(lambda: load.acknowledged > 300, 20, "the load goes on")

        assert process.stop() == 0
        after_peace = seconds_until_owned_by(postgresql_url, stays)

        process.start()
        until(lambda: sorted(shares(postgresql_url).values()) == HALVES, 10, "both have a share again")
        [returned] = shares(postgresql_url).keys() - {stays}
        projectors[stays].kill()
        after_death = seconds_until_owned_by(postgresql_url, returned)

        load.finish(20)
        platform.settle()
        print(verify(postgresql_url, postgresql_url, _JOURNEY, load.ledgers))
    print(f"taken over {after_peace:.2f} s after the end, {after_death:.2f} s after a death")
    assert ends != returned
    assert after_peace < LEASE_SECONDS
    assert after_death < 2 * LEASE_SECONDS


@pytest.mark.timeout(100)
def test_the_step_of_a_projector_that_was_paused_past_its_lease_is_refused(
    tmp_path: Path, postgresql_url: str, seed: int
) -> None:
    with two_projectors(tmp_path, postgresql_url) as (platform, projectors), Load(platform, seed) as load:
        for paused, works in permutations(projectors):
            process = projectors[paused]
            pause_amid_a_step(process, postgresql_url)
            before = process.log.stat().st_size
            print(f"taken over after {seconds_until_owned_by(postgresql_url, works):.2f} s")
            process.resume()
            until(lambda log=process.log, at=before: says_refused(log.read_text()[at:]), 10, "its step is refused")
            until(lambda: sorted(shares(postgresql_url).values()) == HALVES, 10, "both have a share again")
        load.finish(20)
        platform.settle()
        print(verify(postgresql_url, postgresql_url, _JOURNEY, load.ledgers))


@pytest.mark.timeout(100)
def test_a_projector_that_stands_still_amid_a_step_does_not_hold_up_the_other(
    tmp_path: Path, postgresql_url: str, seed: int
) -> None:
    with (
        two_projectors(tmp_path, postgresql_url) as (platform, projectors),
        closing(Probe(platform)) as probe,
        Load(platform, seed) as load,
    ):
        paused, works = projectors
        pause_amid_a_step(projectors[paused], postgresql_url)
        seconds_until_owned_by(postgresql_url, works)
        user, position = until(probe.write, 5, "a write is acknowledged")
        began = time.monotonic()
        until(lambda: customer_of(platform, "user_id", user, position), 20, "the other projects on")
        print(f"seen {time.monotonic() - began:.2f} s after a write")

        projectors[paused].resume()
        until(lambda: sorted(shares(postgresql_url).values()) == HALVES, 10, "both have a share again")
        load.finish(20)
        platform.settle()
        print(verify(postgresql_url, postgresql_url, _JOURNEY, [*load.ledgers, probe.ledger]))


def says_refused(log: str) -> bool:
    """By the fence, or before it by the rows that the other has written meanwhile."""
    return "lease lost" in log or "the projector tries again" in log


def pause_amid_a_step(process: Process, url: str) -> None:
    """Pauses again and again, until it is caught with a transaction open that has written and not come to its fence."""

    def caught() -> bool:
        process.pause()
        while waiting := rows(url, _STANDS_STILL):
            if any(for_long for _pid, for_long in waiting) and len(rows(url, _NOT_FENCED)) == LEASES:
                return True
        process.resume()
        return False

    until(caught, 20, "a projector is paused amid a step")
