"""When an event happened: moments as clients write them, corrected for clocks that are wrong. Pure.

All moments are microseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.events.intake.domain.values import BAD_TIMESTAMP, Path, Refusal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MOMENT = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z
_LAST_MOMENT = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_MILLISECONDS_FROM = 10**11  # epoch numbers below are seconds: as seconds this is the year 5138, as milliseconds 1973
_SKEW = 60_000_000
_AHEAD = 5 * 60_000_000


def resolve(original: int | None, sent_at: int | None, received_at: int) -> tuple[int, bool]:
    """The moment an event is taken to have happened, and whether that was clamped.

    A sender whose clock differs from ours by more than a minute is corrected by that difference; less is mere latency,
    and correcting for it would reorder imports. More than five minutes ahead of us becomes the moment of receipt.
    Raises Refusal (BAD_TIMESTAMP) if the correction leads before the year 1.
    """
    if original is None:
        return received_at, False
    occurred_at = original
    if sent_at is not None and abs(received_at - sent_at) > _SKEW:
        occurred_at = received_at - (sent_at - original)
    if occurred_at > received_at + _AHEAD:
        return received_at, True
    if occurred_at < _FIRST_MOMENT:
        raise Refusal(BAD_TIMESTAMP, "Corrected by `sentAt`, the time lies before the year 1.", ("sentAt",))
    return occurred_at, False


def read_moment(value: Any, path: Path) -> int | None:
    """Microseconds since 1970 of ISO 8601 text (no zone means UTC, further digits are cut) or of an epoch number;
    None if nothing is given. Raises Refusal (BAD_TIMESTAMP).
    """
    if value is None or value == "":
        return None
    try:
        moment = _from_iso(value) if type(value) is str else _from_epoch(value)
        if _FIRST_MOMENT <= moment <= _LAST_MOMENT:
            return moment
    except (ValueError, TypeError, OverflowError):
        pass
    message = "This is no moment: give ISO 8601, or seconds or milliseconds since 1970 as a number."
    raise Refusal(BAD_TIMESTAMP, message, path)


def _from_iso(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small z
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds  # half the price of a division


def _from_epoch(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError
    return round(number * (1_000_000 if abs(number) < _MILLISECONDS_FROM else 1_000))
