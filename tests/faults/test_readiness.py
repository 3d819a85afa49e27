"""Ready is who has everything that it cannot do without; whoever has not says what is missing, and lives on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.support.databases import postgres_server
from tests.support.metrics import samples
from tests.support.platform import Platform, four_processes, one_process, until

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

READY = 200, {"status": "ok"}
EVENTS = ["events log", "events state"]
ALONE = {"up": [*EVENTS, "journeys database", "personas database", "projector"]}
APART = {
    "personas": ["personas database"],
    "journeys": ["journeys database"],
    "events": EVENTS,
    "gateway": ["events"],
    "projector": [*EVENTS, "projector"],
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("shape", "missing"), [(one_process, ALONE), (four_processes, APART)], ids=["one", "four"])
def test_a_database_that_is_away_and_back(
    tmp_path: Path,
    shape: Callable[[Path, str], AbstractContextManager[Platform]],
    missing: Mapping[str, list[str]],
) -> None:
    with postgres_server(durable=True) as server:
        url = server.create_database("platform")
        with shape(tmp_path, url) as platform:
            server.stop(immediate=True)
            away = {name: (503, {"status": "not ready", "missing": parts}) for name, parts in missing.items()}
            until(lambda: answers(platform, "ready") == away, 20, f"everybody says {away}")
            assert answers(platform, "live") == dict.fromkeys(missing, READY)
            assert math.isnan(lag(platform))
            server.start()
            until(lambda: answers(platform, "ready") == dict.fromkeys(missing, READY), 20, "everybody is ready again")
            until(lambda: lag(platform) == 0, 20, "the lag can be told again")


@pytest.mark.timeout(60)
def test_a_gateway_needs_events_and_misses_the_others_only_in_part(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        for name in ("personas", "journeys", "projector"):
            platform.processes[name].kill()
        until(lambda: answer(platform, "gateway", "ready") == READY, 20, "the gateway goes on")
        platform.processes["events"].kill()
        away = 503, {"status": "not ready", "missing": ["events"]}
        until(lambda: answer(platform, "gateway", "ready") == away, 20, "the gateway says what it lacks")


def answers(platform: Platform, question: str) -> dict[str, tuple[int, object]]:
    return {name: answer(platform, name, question) for name in platform.processes}


def answer(platform: Platform, name: str, question: str) -> tuple[int, object]:
    told = httpx.get(f"http://127.0.0.1:{platform.processes[name].port}/health/{question}", timeout=10)
    return told.status_code, told.json()


def lag(platform: Platform) -> float:
    return samples(platform.intake_url)["klantreis_log_lag_entries", ""]
