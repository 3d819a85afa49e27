"""Behind which events states are kept: as the keys say, and the fewer the larger they are."""

from __future__ import annotations

import pytest

from services.events.live.domain import is_checkpoint, may_be_checkpoint
from services.events.timeline.domain import history_key

KEYS = [history_key(number, None, "track", "website", f"m{number}") for number in range(6_400)]


def test_states_are_kept_behind_one_event_in_32_or_so() -> None:
    assert sum(map(may_be_checkpoint, KEYS)) == 201


def kept(open_runs: int) -> set[bytes]:
    return {key for key in KEYS if is_checkpoint(key, open_runs)}


@pytest.mark.parametrize(("open_runs", "expected"), [(0, 201), (4, 201), (5, 98), (10, 46), (40, 9), (4_000, 1)])
def test_twice_as_many_open_runs_halve_the_states(open_runs: int, expected: int) -> None:
    assert len(kept(open_runs)) == expected


def test_what_is_kept_with_more_runs_is_kept_with_fewer() -> None:
    for fewer, more in ((0, 5), (5, 9), (9, 100)):
        assert kept(more) <= kept(fewer)
