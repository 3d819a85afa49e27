"""Gaps are counted in buckets, and what is read from these is close to what went in."""

from __future__ import annotations

from collections import Counter
from statistics import median as exact_median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.insights.domain.gaps import bucket_of, median, middle_of

GAPS = st.integers(min_value=0, max_value=10**17)
SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3_600 * 10**6, 86_400 * 10**6


@given(GAPS)
def test_the_middle_of_a_bucket_is_close_to_all_that_is_in_it(gap: int) -> None:
    assert abs(middle_of(bucket_of(gap)) - gap) <= gap / 64


@given(GAPS)
def test_a_longer_gap_is_in_the_same_bucket_or_a_later_one(gap: int) -> None:
    assert 0 <= bucket_of(gap + 1) - bucket_of(gap) <= 1


@given(st.lists(GAPS, min_size=1))
def test_the_median_is_at_most_two_percent_off(gaps: list[int]) -> None:
    exact = exact_median(gaps)
    assert abs(median(Counter(map(bucket_of, gaps))) - exact) <= 0.02 * exact + 0.5


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([0], 0),
        ([63], 63),
        ([10, 20], 15),
        ([1, 2, 50], 2),
        ([2 * SECOND], 2_015_000),
        ([5 * MINUTE], 298 * SECOND),
        ([3 * HOUR], 181 * MINUTE),
        ([7 * DAY], 169 * HOUR),
        ([DAY, 3 * DAY], 48 * HOUR + 10 * MINUTE),
    ],
)
def test_the_median_is_told_in_units_that_people_use(gaps: list[int], told: int) -> None:
    assert median(Counter(map(bucket_of, gaps))) == told
