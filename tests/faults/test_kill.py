"""`kill -9` at any moment: nothing acknowledged is lost, nothing is applied twice, and soon everything serves again."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.load import Load, Probe
from tests.support.platform import Platform, four_processes, one_process, until
from tests.support.stories import shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

BACK_SECONDS = 3.0
_PATIENCE_SECONDS = 20.0
"""How long a process is waited for before the test gives up; being later than BACK_SECONDS fails at the end."""
_JOURNEY = shop_journey("shop")
_VICTIMS = ["events"] * 4 + ["projector"] * 4 + ["journeys", "gateway"]
_MAP = '{ journey(key: "shop") { key } }'
_CUSTOMER = """
query($identifier: IdentifierInput!, $position: Position) {
  customer(identifier: $identifier, position: $position) { id }
}
"""


@pytest.mark.timeout(200)
def test_of_four_processes_any_may_be_killed_at_any_moment(tmp_path: Path, postgresql_url: str, seed: int) -> None:
    rng = random.Random(seed)
    victims = [*dict.fromkeys(_VICTIMS), *rng.choices(_VICTIMS, k=16)]
    rng.shuffle(victims)
    with four_processes(tmp_path, postgresql_url) as platform:
        _kill_under_load(platform, victims, rng, (postgresql_url, postgresql_url))


@pytest.mark.timeout(150)
def test_the_all_in_one_process_may_be_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    with one_process(tmp_path) as platform:
        files = f"sqlite:///{platform.data / 'log.db'}", f"sqlite:///{platform.data / 'state.db'}"
        _kill_under_load(platform, ["up"] * 8, random.Random(seed), files)


def _kill_under_load(platform: Platform, victims: list[str], rng: random.Random, stores: tuple[str, str]) -> None:
    platform.publish(_JOURNEY)
    times: list[tuple[str, float]] = []
    with closing(Probe(platform)) as probe, Load(platform, rng.randrange(1 << 32)) as load:
        for victim in victims:
            enough = load.acknowledged + rng.randint(1, 300)
            until(lambda enough=enough: load.acknowledged >= enough, 30, "the load goes on")
            times.append((victim, _seconds_until_back(platform, probe, victim)))
        load.finish(30)
    platform.settle()
    print(verify(*stores, _JOURNEY, [*load.ledgers, probe.ledger]))
    seen = ", ".join(f"{victim} {seconds:.2f} s" for victim, seconds in times)
    print(f"back after {seen}")
    assert max(seconds for _victim, seconds in times) <= BACK_SECONDS, seen


def _seconds_until_back(platform: Platform, probe: Probe, victim: str) -> float:
    """Kills a process, starts it again at once, and measures from there until it serves."""
    process = platform.processes[victim]
    process.kill()
    began = time.monotonic()
    process.start()
    if victim in ("events", "projector", "up"):
        user, position = until(probe.write, _PATIENCE_SECONDS, f"{victim} acknowledges a write")
        if victim != "events":
            who = {"identifier": {"type": "user_id", "value": user}, "position": position}
            until(lambda: _ask(platform, _CUSTOMER, **who)["customer"], _PATIENCE_SECONDS, f"{victim} makes it visible")
    else:
        until(lambda: _ask(platform, _MAP)["journey"], _PATIENCE_SECONDS, f"{victim} answers")
    return time.monotonic() - began


def _ask(platform: Platform, query: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer; None for every field while there is no answer without errors."""
    try:
        answer = platform.graphql_answer(query, **variables)
    except httpx.HTTPError:
        answer = {"errors": ["no answer"]}
    return defaultdict(lambda: None) if "errors" in answer else answer["data"]
