"""The clock, injected wherever time matters, and the two ways in which moments are written."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Gives the present as microseconds since 1970-01-01T00:00:00Z."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def system_clock() -> int:
    return time.time_ns() // 1_000


def to_rfc3339(moment: int) -> str:
    """`2026-11-22T05:30:00.250000Z`, whole seconds without a fraction. Raises OverflowError past the year 9999."""
    return (_EPOCH + timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")


def from_datetime(value: datetime) -> int:
    """Microseconds of an aware datetime; a naive one is UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND
