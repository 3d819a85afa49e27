"""Moments and durations as they may be written."""

from __future__ import annotations

import pytest
from graphql import GraphQLError

from gateway.scalars import parse_duration, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T05:30:00Z", "2026-11-22T05:30:00Z"),
        ("2026-11-22t05:30:00z", "2026-11-22T05:30:00Z"),
        ("2026-11-22T05:30:00", "2026-11-22T05:30:00Z"),
        ("2026-11-22T05:30:00+01:30", "2026-11-22T04:00:00Z"),
        ("2026-11-22T23:30:00.25-01:00", "2026-11-23T00:30:00.250000Z"),
        ("2026-11-22T05:30:00.123456789Z", "2026-11-22T05:30:00.123456Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2200-01-01T00:00:00Z", "2200-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_kept_in_utc(text: str, moment: str) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "value",
    [
        "", "now", "2026-11-22", "2026-11-22T05:30", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z",
        "2026-11-22T05:30:00.1234567890Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
        "2026-11-22T05:30:00Z\n", "２０２６-11-22T05:30:00Z", 1_700_000_000, None, True,
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        parse_moment(value)


@pytest.mark.parametrize("text", ["P3D", "P1W", "P1Y2M3W4DT5H6M7.5S", "PT0S", "PT90M", "P0D"])
def test_a_duration_is_kept_as_written(text: str) -> None:
    assert parse_duration(text) == text


@pytest.mark.parametrize("value", ["", "P", "PT", "P1", "P1DT", "1D", "P-1D", "P1.5D", "P1D2Y", "P1D\n", 3, None])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        parse_duration(value)
