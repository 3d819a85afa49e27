"""A period is read as months and days: every day once, and no more of them than must be."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.events.insights.domain.spans import DAY, MONTH, Stretch, month_of, stretches

FIRST = date(1970, 1, 1)
DAYS = st.integers(-800, 800)


def day(text: str) -> int:
    return (date.fromisoformat(text) - FIRST).days


@given(DAYS | st.none(), DAYS | st.none(), DAYS)
def test_each_day_of_a_period_is_read_once_and_no_other(first: int | None, before: int | None, one: int) -> None:
    places = [(DAY, one), (MONTH, month_of(one))]
    read = [place for place in places for stretch in stretches(first, before) if stretch.has(*place)]
    is_within = (first is None or one >= first) and (before is None or one < before)
    assert len(read) == is_within


@given(st.integers(-100_000, 100_000))
def test_a_month_begins_on_its_first_day(one: int) -> None:
    first = FIRST + timedelta(month_of(one))
    assert first == (FIRST + timedelta(one)).replace(day=1)


def test_whole_months_are_read_as_months_and_the_rest_as_days() -> None:
    months = Stretch(MONTH, day("2026-02-01"), day("2026-05-01"))
    assert stretches(None, None) == [Stretch(MONTH)]
    assert stretches(day("2026-02-01"), day("2026-05-01")) == [months]
    assert stretches(day("2026-01-30"), day("2026-05-03")) == [
        months,
        Stretch(DAY, day("2026-01-30"), day("2026-02-01")),
        Stretch(DAY, day("2026-05-01"), day("2026-05-03")),
    ]
    assert stretches(day("2026-01-30"), None) == [
        Stretch(MONTH, day("2026-02-01")),
        Stretch(DAY, day("2026-01-30"), day("2026-02-01")),
    ]
    assert stretches(day("2026-03-02"), day("2026-03-09")) == [Stretch(DAY, day("2026-03-02"), day("2026-03-09"))]
