"""When each version of a document is in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.chassis.errors import Invalid
from infra.chassis.versioned import domain
from infra.chassis.versioned.domain import ALWAYS, Publication

LAST = Publication(version=3, published_at=1_000, effective_from=500)


@pytest.mark.parametrize(
    ("last", "requested", "expected"),
    [
        (None, None, Publication(1, 2_000, ALWAYS)),
        (None, 500, Publication(1, 2_000, ALWAYS)),
        (LAST, None, Publication(4, 2_000, 2_000)),
        (LAST, 2_000, Publication(4, 2_000, 2_000)),
        (LAST, 400, Publication(4, 2_000, 400)),
        (LAST, ALWAYS, Publication(4, 2_000, ALWAYS)),
    ],
)
def test_from_when_a_version_is_in_force(
    last: Publication | None, requested: int | None, expected: Publication
) -> None:
    assert domain.publication(last, requested, now=2_000) == expected


@pytest.mark.parametrize("last", [None, LAST])
def test_no_version_takes_effect_in_the_future(last: Publication | None) -> None:
    with pytest.raises(Invalid) as refused:
        domain.publication(last, 2_001, now=2_000)
    assert refused.value.code == "EFFECTIVE_FROM_IN_FUTURE"


def test_a_clock_that_stepped_back_never_makes_a_version_older_than_the_one_before() -> None:
    assert domain.publication(LAST, None, now=900) == Publication(4, 1_000, 1_000)


@given(st.lists(st.sampled_from([ALWAYS, *range(6)]), min_size=1, max_size=6))
def test_a_version_is_in_force_exactly_between_its_two_moments(effective_from: list[int]) -> None:
    intervals = []
    for number, start in enumerate(effective_from):
        until = domain.effective_until(start, min(effective_from[number + 1 :], default=None))
        intervals.append((start, until))
    for moment in [ALWAYS, *range(7)]:
        published_last = [number for number, start in enumerate(effective_from) if start <= moment][-1:]
        inside = [
            n for n, (start, until) in enumerate(intervals) if start <= moment and (until is None or moment < until)
        ]
        assert inside == published_last
