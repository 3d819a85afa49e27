"""ISO 8601 durations of a fixed length, as whole microseconds."""

from __future__ import annotations

from datetime import timedelta

import isodate

_MICROSECOND = timedelta(microseconds=1)


def parse_duration(text: str) -> int:
    """Microseconds in a positive ISO 8601 duration of weeks, days and times, such as `P7D` or `PT36H`.

    Raises ValueError for anything else. Months and years are refused, even none of them, because how long they last
    depends on the calendar; so are zero and negative durations.
    """
    try:
        parsed = isodate.parse_duration(text)
    except (ValueError, OverflowError, TypeError):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P7D or PT36H") from None
    calendar_part = text.partition("T")[0]
    if not isinstance(parsed, timedelta) or "Y" in calendar_part or "M" in calendar_part:
        raise ValueError(f"{text!r} has months or years; give weeks, days or times, because those have a fixed length")
    microseconds = parsed // _MICROSECOND
    if microseconds <= 0:
        raise ValueError(f"{text!r} is not a positive duration")
    return microseconds


def format_duration(microseconds: int) -> str:
    """ISO 8601 text of a length of time in days and times, such as `P1DT2H0.5S`; `PT0S` if there is none.

    Raises ValueError if it is negative.
    """
    if microseconds < 0:
        raise ValueError(f"a length of time cannot be negative: {microseconds}")
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    second_text = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)
    times = "".join(
        f"{amount}{unit}"
        for amount, unit in ((str(hours), "H"), (str(minutes), "M"), (second_text, "S"))
        if amount != "0"
    )
    date = f"{days}D" if days else ""
    if not date and not times:
        return "PT0S"
    return f"P{date}T{times}" if times else f"P{date}"
