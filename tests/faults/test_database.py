"""The database crashes and comes back under load: clients hear when to try again, and nobody is restarted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from tests.support.databases import postgres_server
from tests.support.load import Load, Probe
from tests.support.platform import Platform, four_processes, one_process, until
from tests.support.stories import customer_of, shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

_JOURNEY = shop_journey("shop")
_AWAY_SECONDS = 7.0
"""Longer than the five seconds for which answers about keys are kept."""
_BACK_SECONDS = 5.0
_EVERYTHING = '{ projection { lag } journey(key: "shop") { key } instances { totalCount } }'


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", [one_process, four_processes], ids=["one process", "four processes"])
def test_a_database_that_crashes_is_waited_for(
    tmp_path: Path, seed: int, shape: Callable[[Path, str], AbstractContextManager[Platform]]
) -> None:
    with postgres_server(durable=True) as server:
        url = server.create_database("platform")
        with shape(tmp_path, url) as platform, closing(Probe(platform)) as probe, Load(platform, seed) as load:
            platform.publish(_JOURNEY)
            until(lambda: load.acknowledged > 600, 20, "the load goes on")

            server.stop(immediate=True)
            statuses, codes = heard_for(_AWAY_SECONDS, platform)
            assert statuses == {503}
            assert codes <= {"UNAVAILABLE", "UPSTREAM_UNAVAILABLE"}
            server.start()

            back = time.monotonic()
            user, position = until(probe.write, 20, "a write is acknowledged")
            acknowledged = time.monotonic() - back
            until(lambda: not errors_of(platform, _EVERYTHING), 20, "everything can be read")
            readable = time.monotonic() - back
            until(lambda: customer_of(platform, "user_id", user, position), 20, "a write becomes visible")
            visible = time.monotonic() - back
            load.finish(30)
            platform.settle()
            print(verify(url, url, _JOURNEY, [*load.ledgers, probe.ledger]))
    print(f"after the start: acknowledged {acknowledged:.2f} s, readable {readable:.2f} s, visible {visible:.2f} s")
    assert {answer for ledger in load.ledgers for answer in ledger.answers} == {"200", "503"}
    for process in platform.processes.values():
        assert '"level": "error"' not in process.log.read_text()
    assert max(acknowledged, readable, visible) < _BACK_SECONDS


def heard_for(seconds: float, platform: Platform) -> tuple[set[int], set[str]]:
    """The statuses of the intake for known and unknown keys, and the codes of GraphQL errors, for a while."""
    began = time.monotonic()
    statuses: set[int] = set()
    codes: set[str] = set()

    def ask() -> bool:
        event = {"userId": "nobody", "event": "Never Stored"}
        unknown_key = f"wk_{time.monotonic_ns()}"
        statuses.update(platform.send("/v1/track", event, key=key).status_code for key in (None, unknown_key))
        codes.update(errors_of(platform, _EVERYTHING))
        return time.monotonic() - began > seconds

    until(ask, seconds + 20, "enough answers")
    return statuses, codes


def errors_of(platform: Platform, query: str) -> list[str]:
    """The codes of what went wrong, empty when nothing did."""
    answer = platform.graphql_answer(query)
    return [error["extensions"]["code"] for error in answer.get("errors", [])]
