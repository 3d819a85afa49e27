"""When an event happened: what can be read as a moment, skew, and moments that lie ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.events.intake.calls import NOW, SECOND, event_of, judge_call, track

MINUTE = 60 * SECOND


def at(text: str) -> int:
    """Microseconds, computed by other means than the product's."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
    return (
        (moment.toordinal() - 719_163) * 86_400 * SECOND
        + ((moment.hour * 60 + moment.minute) * 60 + moment.second) * SECOND
        + moment.microsecond
    )


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("2026-11-22T05:30:00Z", "2026-11-22T05:30:00.0"),
        ("2026-11-22T05:30:00z", "2026-11-22T05:30:00.0"),
        ("2026-11-22t05:30:00Z", "2026-11-22T05:30:00.0"),
        ("2026-11-22 05:30:00", "2026-11-22T05:30:00.0"),
        ("2026-11-22T05:30:00", "2026-11-22T05:30:00.0"),
        ("2026-11-22T05:30", "2026-11-22T05:30:00.0"),
        ("2026-11-22", "2026-11-22T00:00:00.0"),
        ("2026-11-22T05:30:00+01:00", "2026-11-22T04:30:00.0"),
        ("2026-11-22T05:30:00-0530", "2026-11-22T11:00:00.0"),
        ("2026-11-22T05:30:00.1Z", "2026-11-22T05:30:00.1"),
        ("2026-11-22T05:30:00.123Z", "2026-11-22T05:30:00.123"),
        ("2026-11-22T05:30:00.123456+00:00", "2026-11-22T05:30:00.123456"),
        ("2026-11-22T05:30:00.123456789Z", "2026-11-22T05:30:00.123456"),
        ("2026-11-22T05:30:00.999999999Z", "2026-11-22T05:30:00.999999"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.0"),
        ("1815-06-18T11:30:00.5Z", "1815-06-18T11:30:00.5"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0"),
        (0, "1970-01-01T00:00:00.0"),
        (-1, "1969-12-31T23:59:59.0"),
        (1_700_000_000, "2023-11-14T22:13:20.0"),
        (1_700_000_000.25, "2023-11-14T22:13:20.25"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123"),
        (10**11, "1973-03-03T09:46:40.0"),
        (-(10**11), "1966-10-31T14:13:20.0"),
    ],
)
def test_moments(timestamp: object, moment: str) -> None:
    event = event_of(track(timestamp=timestamp))
    assert (event.occurred_at, event.original_timestamp, event.clamped) == (at(moment), at(moment), False)


@pytest.mark.parametrize(
    "timestamp",
    [
        "yesterday",
        " ",
        "1700000000",
        "2026-02-30",
        "2026-11-22T25:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "٢٠٢٦-11-22",
        True,
        [],
        {},
        10**18,
        -(10**18),
        10**400,
    ],
)
def test_unreadable_moments(timestamp: object) -> None:
    assert judge_call(track(timestamp=timestamp)) == ("BAD_TIMESTAMP", ("timestamp",))


@pytest.mark.parametrize(
    ("members", "original"),
    [
        ({}, None),
        ({"timestamp": None, "originalTimestamp": ""}, None),
        ({"originalTimestamp": 1_700_000_000}, 1_700_000_000 * SECOND),
        ({"timestamp": 1_600_000_000, "originalTimestamp": 1_700_000_000}, 1_600_000_000 * SECOND),
        ({"timestamp": 1_600_000_000, "originalTimestamp": "unread"}, 1_600_000_000 * SECOND),
    ],
)
def test_the_own_time_of_an_event(members: dict[str, Any], original: int | None) -> None:
    event = event_of(track(**members))
    assert (event.original_timestamp, event.occurred_at) == (original, NOW if original is None else original)


@pytest.mark.parametrize(
    ("ahead", "corrected"),
    [
        (-3_600 * SECOND, True),  # the sender's clock is an hour behind ours
        (3_600 * SECOND, True),
        (-60 * SECOND, False),
        (60 * SECOND, False),
        (-60 * SECOND - 1, True),
        (60 * SECOND + 1, True),
        (0, False),
    ],
)
def test_skew(ahead: int, corrected: bool) -> None:
    sent_at = NOW + ahead
    original = sent_at - 10 * SECOND
    event = event_of(track(timestamp=original / SECOND, sentAt=sent_at / SECOND))
    expected = NOW - 10 * SECOND if corrected else original
    assert (event.occurred_at, event.original_timestamp, event.sent_at) == (expected, original, sent_at)


def test_the_sent_at_of_an_event_goes_before_that_of_its_batch() -> None:
    own, batch = NOW - 7_200 * SECOND, NOW - 3_600 * SECOND
    call = track(timestamp=own / SECOND)
    assert event_of(call, sent_at=batch).occurred_at == NOW - 3_600 * SECOND
    assert event_of(call | {"sentAt": own / SECOND}, sent_at=batch).occurred_at == NOW


def test_without_a_time_of_its_own_nothing_is_corrected() -> None:
    event = event_of(track(sentAt=(NOW - 3_600 * SECOND) / SECOND))
    assert (event.occurred_at, event.original_timestamp) == (NOW, None)


@pytest.mark.parametrize(("ahead", "clamped"), [(5 * MINUTE, False), (5 * MINUTE + SECOND, True)])
def test_more_than_five_minutes_ahead_becomes_the_moment_of_receipt(ahead: int, clamped: bool) -> None:
    event = event_of(track(timestamp=(NOW + ahead) // SECOND))
    assert (event.clamped, event.occurred_at) == (clamped, NOW if clamped else NOW + ahead)
    assert event.original_timestamp == NOW + ahead


def test_the_year_2200_is_clamped() -> None:
    event = event_of(track(timestamp="2200-01-01T00:00:00Z"))
    assert (event.clamped, event.occurred_at) == (True, NOW)
    assert event.original_timestamp == at("2200-01-01T00:00:00.0")


def test_a_correction_before_the_year_1_is_refused() -> None:
    call = track(timestamp="0001-01-02T00:00:00Z", sentAt="2030-01-01T00:00:00Z")
    assert judge_call(call) == ("BAD_TIMESTAMP", ("sentAt",))
