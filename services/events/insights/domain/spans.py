"""Days and months: counters are kept for both, so that a year is twelve cells to read and not 365."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

DAY, MONTH = "day", "month"

_FIRST = date(1970, 1, 1).toordinal()


class Stretch(NamedTuple):
    """The spans of one length that begin on a day of [first, before), in days since 1970, UTC; None: no bound."""

    span: str
    first: int | None = None
    before: int | None = None

    def has(self, span: str, day: int) -> bool:
        return (
            span == self.span
            and (self.first is None or day >= self.first)
            and (self.before is None or day < self.before)
        )


@lru_cache(maxsize=4_096)
def month_of(day: int) -> int:
    """The first day of a day's month."""
    return date.fromordinal(_FIRST + day).replace(day=1).toordinal() - _FIRST


def stretches(first: int | None, before: int | None) -> list[Stretch]:
    """The fewest spans that cover the days of [first, before) once each."""
    months_first = first if first is None or first == month_of(first) else month_of(month_of(first) + 31)
    months_before = None if before is None else month_of(before)
    if months_first is not None and months_before is not None and months_first >= months_before:
        return [Stretch(DAY, first, before)]
    found = [Stretch(MONTH, months_first, months_before)]
    if first != months_first:
        found.append(Stretch(DAY, first, months_first))
    if before != months_before:
        found.append(Stretch(DAY, months_before, before))
    return found
