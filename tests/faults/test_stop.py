"""SIGTERM under load: what is under way is finished, and the process ends in peace."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.load import Load
from tests.support.platform import Platform, four_processes, one_process, until
from tests.support.stories import shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

_JOURNEY = shop_journey("shop")
_SECONDS = 10.0


@pytest.mark.timeout(100)
def test_each_of_four_processes_ends_in_peace(tmp_path: Path, postgresql_url: str, seed: int) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        _stop_under_load(platform, seed, (postgresql_url, postgresql_url))


@pytest.mark.timeout(100)
def test_the_all_in_one_process_ends_in_peace(tmp_path: Path, seed: int) -> None:
    with one_process(tmp_path) as platform:
        files = f"sqlite:///{platform.data / 'log.db'}", f"sqlite:///{platform.data / 'state.db'}"
        _stop_under_load(platform, seed, files)


def _stop_under_load(platform: Platform, seed: int, stores: tuple[str, str]) -> None:
    platform.publish(_JOURNEY)
    ended: dict[str, tuple[int | None, float]] = {}
    with Load(platform, seed) as load:
        for name, process in platform.processes.items():
            enough = load.acknowledged + 200
            until(lambda enough=enough: load.acknowledged >= enough, 20, "the load goes on")
            began = time.monotonic()
            ended[name] = process.stop(), time.monotonic() - began
            process.start()
            process.wait_ready()
        load.finish(20)
    platform.settle()
    print(verify(*stores, _JOURNEY, load.ledgers))
    print(ended)
    assert {status for status, _seconds in ended.values()} == {0}
    assert [name for name, (_status, seconds) in ended.items() if seconds > _SECONDS] == []
    for process in platform.processes.values():
        assert '"level": "error"' not in process.log.read_text()
