"""`klantreis replay` as an operator runs it, on an installation that people use meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.chassis.database import Database
from tests.support.load import Load, Probe
from tests.support.platform import COMMAND, Platform, four_processes, one_process, until
from tests.support.stored import projected_customers
from tests.support.stories import customer_of, instances_of, shop_journey, steps_of, unique
from tests.support.verdict import verify

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("replay")

_SECONDS = 120
_SCHEMA = "klantreis_replay"


def klantreis(platform: Platform, *arguments: str) -> subprocess.Popen[str]:
    environment = next(iter(platform.processes.values())).environment
    return subprocess.Popen(
        [str(COMMAND), *arguments],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status, and everything it said."""
    try:
        said, complained = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
    return process.returncode, said + complained


def test_a_replay_while_the_platform_runs_on_sqlite_is_refused(tmp_path: Path) -> None:
    with one_process(tmp_path) as platform:
        status, said = finished(klantreis(platform, "replay"))
    assert status == os.EX_TEMPFAIL
    assert said.strip() == (
        f"klantreis runs on {platform.data}. Stop it first: on SQLite its state is replaced as a whole file."
    )


def test_a_replay_of_a_stopped_platform_on_sqlite(tmp_path: Path) -> None:
    with one_process(tmp_path) as platform:
        platform.publish(shop_journey("shop"))
        for number in range(30):
            platform.send("/v1/track", {"userId": f"u{number % 7}", "event": "Product Viewed"})
        platform.settle()
    url = f"sqlite:///{platform.data / 'state.db'}"
    before = asyncio.run(customers_in(url))

    status, said = finished(klantreis(platform, "replay"))

    assert (status, said.splitlines()[-1]) == (0, "31 entries of the log were replayed; every projection is new.")
    assert asyncio.run(customers_in(url)) == before
    assert len(before) == 7
    assert sorted(path.name for path in platform.data.glob("state*")) == ["state.db"]
    with one_process(tmp_path) as again:
        again.send("/v1/track", {"userId": "u0", "event": "Order Completed"})
        again.settle()
        [instance] = instances_of(known(again, "u0"))
        assert instance["status"] == "COMPLETED"


def test_people_notice_nothing_of_a_replay_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    journey = shop_journey("shop")
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.publish(journey)
        with closing(Probe(platform)) as probe, Load(platform, 7, clients=4, rate=60.0) as load:
            user, position = until(probe.write, 10, "the first event")
            assert customer_of(platform, "user_id", user, position) is not None
            until(lambda: load.acknowledged >= 400, 30, "there is something to replay")
            with reading(platform, user) as seen:
                replays = [finished(klantreis(platform, "replay")) for _ in range(2)]
            for status, said in replays:
                assert (status, said.splitlines()[-1].partition(" ")[2]) == (
                    0,
                    "entries of the log were replayed; every projection is new.",
                )
            user, position = until(probe.write, 10, "events are taken")
            until(lambda: customer_of(platform, "user_id", user, position), 10, "and projected")
            load.finish(30)
        platform.settle()
        print(verify(postgresql_url, postgresql_url, journey, [*load.ledgers, probe.ledger]))
    assert len(seen) > 2
    assert seen == [[("viewed", "look", "START")]] * len(seen)


def test_a_replay_that_is_killed_changes_nothing(tmp_path: Path, postgresql_url: str) -> None:
    journey = unique("shop")
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.publish(shop_journey(journey))
        platform.send("/v1/track", {"userId": "u", "event": "Product Viewed"})
        platform.settle()
        before = known(platform, "u")
        killed = klantreis(platform, "replay")
        until(lambda: asyncio.run(has_schema(postgresql_url)), 30, "a replay has begun")
        killed.kill()
        finished(killed)

        platform.send("/v1/track", {"userId": "v", "event": "Product Viewed"})
        platform.settle()
        assert known(platform, "u") == before
        status, _said = finished(klantreis(platform, "replay"))

        assert status == 0
        assert known(platform, "u") == before
        assert not asyncio.run(has_schema(postgresql_url))


def known(platform: Platform, user: str) -> Json:
    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    return customer


@contextmanager
def reading(platform: Platform, user: str) -> Iterator[list[list[Any]]]:
    """Asks for a customer again and again; gives the steps of its instance, each time anew."""
    seen: list[list[Any]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            customer = customer_of(platform, "user_id", user)
            seen.append(
                [steps for instance in instances_of(customer) for steps in steps_of(instance)] if customer else []
            )

    reader = threading.Thread(target=read, name="reader")
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()


async def customers_in(url: str) -> list[Json]:
    state = Database(url)
    try:
        return await projected_customers(state)
    finally:
        await state.close()


async def has_schema(url: str) -> bool:
    database = Database(url)
    try:
        async with database.read() as connection:
            found = await connection.exec_driver_sql(f"SELECT 1 FROM pg_namespace WHERE nspname = '{_SCHEMA}'")
            return found.first() is not None
    finally:
        await database.close()
