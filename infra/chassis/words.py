"""Moments and lengths of time in plain English, for texts that people read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000))


def spoken_moment(moment: int) -> str:
    """`2026-11-22 05:30:00 UTC`, to the second, of microseconds since 1970. Raises OverflowError past the year 9999."""
    return f"{_EPOCH + timedelta(microseconds=moment):%Y-%m-%d %H:%M:%S} UTC"


def spoken_duration(microseconds: int) -> str:
    """`14 days` or `1 hour, 30 minutes and 0.5 seconds`; a length of nothing is `0 seconds`."""
    parts = []
    rest = microseconds
    for unit, length in _UNITS[:-1]:
        amount, rest = divmod(rest, length)
        if amount:
            parts.append(_counted(str(amount), unit))
    if rest or not parts:
        unit, length = _UNITS[-1]
        parts.append(_counted(f"{rest / length:.6f}".rstrip("0").rstrip("."), unit))
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _counted(amount: str, unit: str) -> str:
    return f"{amount} {unit}" if amount == "1" else f"{amount} {unit}s"
