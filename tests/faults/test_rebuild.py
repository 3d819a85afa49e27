"""A rebuild under load, its process killed: readers see one version of everybody, then the other, and all is right."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.test_projection import assert_counters_are_sums
from tests.support.load import Load
from tests.support.platform import Platform, four_processes, one_process, until
from tests.support.stories import shop_journey
from tests.support.verdict import verify

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

Json = dict[str, Any]

_SINCE = "2020-01-01T00:00:00.000Z"
_FIRST = shop_journey("shop")
_SECOND = shop_journey("shop", patience="P1D")
_EVENTS = 15_000
"""So many that a rebuild takes long enough to be interrupted."""
_SAVE = "mutation($input: JourneyInput!) { saveJourney(input: $input) { errors { code message path } } }"
_PUBLISH = """
mutation($since: DateTime!) { publishJourney(key: "shop", effectiveFrom: $since) { pending errors { code message } } }
"""
_PROGRESS = "{ projection { lag rebuilds { folded share } } }"
_PAGE = '{ instances(first: 100, where: { journey: "shop" }) { edges { node { version } } } }'


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("shape", "victim"), [("four", "projector"), ("one", "up"), ("one on a server", "up")])
def test_a_rebuild_whose_process_is_killed_goes_on(
    tmp_path: Path, postgresql_url: str, seed: int, shape: str, victim: str
) -> None:
    with opened(shape, tmp_path, postgresql_url) as platform:
        stores = stores_of(platform) if shape == "one" else (postgresql_url, postgresql_url)
        platform.publish(_FIRST)
        with Load(platform, seed, rate=600, lateness=30) as load:
            until(lambda: load.acknowledged > _EVENTS, 90, "enough events")
            with readers(platform) as seen:
                assert platform.graphql(_SAVE, input=_SECOND)["saveJourney"] == {"errors": []}
                answer = platform.graphql(_PUBLISH, since=_SINCE)["publishJourney"]
                assert answer == {"pending": False, "errors": []}
                [before] = until(lambda: under_way(platform), 60, "the rebuild is under way")
                platform.processes[victim].kill()
                platform.processes[victim].start()
                after = until(lambda: said(platform), 30, "it is said how far the rebuild is")["rebuilds"]
                until(lambda: (now := said(platform)) and not now["rebuilds"], 120, "the rebuild is through")
                until(lambda: seen[-1] == {2}, 30, "the new version is read")
            load.finish(30)
        platform.settle()
        second = _SECOND | {"version": 2, "effectiveFrom": _SINCE, "publishedAt": "2026-02-01T00:00:00Z"}
        print(verify(*stores, _FIRST, load.ledgers, second))
        assert_counters_are_sums(stores[1])
    print(f"killed at {before}, then {after}; {len(seen)} pages read")
    assert all(one["folded"] >= before["folded"] for one in after)
    assert [versions for number, versions in enumerate(seen) if versions not in seen[:number]] == [{1}, {2}]
    assert seen == sorted(seen, key=max)


def opened(shape: str, folder: Path, url: str) -> AbstractContextManager[Platform]:
    if shape == "four":
        return four_processes(folder, url)
    return one_process(folder) if shape == "one" else one_process(folder, url)


def stores_of(platform: Platform) -> tuple[str, str]:
    """The files of the embedded tier."""
    return f"sqlite:///{platform.data / 'log.db'}", f"sqlite:///{platform.data / 'state.db'}"


def said(platform: Platform) -> Json | None:
    """What the platform says of its progress; None while it is away."""
    try:
        answer = platform.graphql_answer(_PROGRESS)
    except httpx.HTTPError:
        return None
    return None if "errors" in answer else answer["data"]["projection"]


def under_way(platform: Platform) -> list[Json]:
    """The rebuild, if some customers are through and others are not."""
    progress = said(platform)
    return [one for one in progress["rebuilds"] if 0 < one["share"] < 0.9] if progress else []


@contextmanager
def readers(platform: Platform) -> Iterator[list[set[int]]]:
    """The versions of the instances on one page, read again and again."""
    seen: list[set[int]] = [{1}]
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                answer = platform.graphql_answer(_PAGE)
            except httpx.HTTPError:  # it is away
                continue
            if "errors" not in answer:
                seen.append({edge["node"]["version"] for edge in answer["data"]["instances"]["edges"]})

    reading = threading.Thread(target=read, name="reader")
    reading.start()
    try:
        yield seen
    finally:
        ended.set()
        reading.join()
