"""What an import would do, found out without sending anything: rows are judged by the rules of intake itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from infra.chassis.clock import Clock, to_rfc3339
from infra.local.history.plan import Item
from infra.local.history.sending import Rejection, rejection
from services.events.intake.domain.event import Receipt
from services.events.intake.domain.values import Refusal
from services.events.intake.history import as_history, read_history

_MOST_SHOWN = 10


class Preview(NamedTuple):
    rows: int
    rejected: int
    first_rejections: list[Rejection]
    first_at: str | None
    """The earliest moment and the latest."""
    last_at: str | None

    @property
    def is_hopeless(self) -> bool:
        return self.rows > 0 and self.rejected == self.rows


def preview(items: Iterable[Item], clock: Clock) -> Preview:
    now = clock()
    receipt = as_history(Receipt("import", True, None, now, lambda: ""))
    rows = rejected = 0
    shown: list[Rejection] = []
    first: int | None = None
    last: int | None = None
    for item in items:
        rows += 1
        try:
            moment = read_history(item.body, receipt, now).occurred_at
        except Refusal as refusal:
            rejected += 1
            if len(shown) < _MOST_SHOWN:
                shown.append(rejection(item, refusal.code, refusal.message, refusal.path))
            continue
        first = moment if first is None else min(first, moment)
        last = moment if last is None else max(last, moment)
    moments = (None if moment is None else to_rfc3339(moment) for moment in (first, last))
    return Preview(rows, rejected, shown, *moments)
