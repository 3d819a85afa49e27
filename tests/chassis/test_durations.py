"""ISO 8601 durations: what is read, what is refused, and how they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.chassis.durations import format_duration, parse_duration

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("P7D", 7 * DAY),
        ("P2W", 14 * DAY),
        ("P1W2D", 9 * DAY),
        ("PT36H", 36 * 3600 * SECOND),
        ("PT5M", 300 * SECOND),
        ("P1DT2H3M4.5S", DAY + 7_384_500_000),
        ("PT0.000001S", 1),
        ("PT0,5S", SECOND // 2),
        ("P1.5D", DAY * 3 // 2),
        ("P999999999D", 999_999_999 * DAY),
    ],
)
def test_read(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P0M", "P0Y1D", "P1Y2M3DT4H", "P1MT1M", "P0001-01-01T00:00:00"])
def test_months_and_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' has months or years"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P0D", "PT0S", "PT", "-P7D", "P0W"])
def test_nothing_and_less_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a positive duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "P", "7D", "P7", "p7d", "P7D ", "P-7D", "a week", "P١D", "P9999999999D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 duration"):
        parse_duration(text)


@given(st.text(alphabet="PT-+.,:0123456789WDHMSY", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert parse_duration(text) > 0
    except ValueError as refusal:
        assert repr(text) in str(refusal)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "PT0S"),
        (1, "PT0.000001S"),
        (SECOND // 2, "PT0.5S"),
        (60 * SECOND, "PT1M"),
        (14 * DAY, "P14D"),
        (36 * 3600 * SECOND, "P1DT12H"),
        (DAY + 7_384_500_000, "P1DT2H3M4.5S"),
        (DAY + 10 * SECOND, "P1DT10S"),
    ],
)
def test_written(microseconds: int, text: str) -> None:
    assert format_duration(microseconds) == text


def test_a_negative_length_is_not_written() -> None:
    with pytest.raises(ValueError, match="cannot be negative: -1"):
        format_duration(-1)


@given(st.integers(1, 100_000 * DAY))
def test_what_is_written_is_read_back(microseconds: int) -> None:
    assert parse_duration(format_duration(microseconds)) == microseconds
