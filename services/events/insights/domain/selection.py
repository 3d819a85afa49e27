"""Which instances of a journey an insight is about."""

from __future__ import annotations

from typing import NamedTuple

from services.events.insights.domain.spans import Stretch, stretches
from services.events.insights.domain.tally import DAY, LONGEST_VALUE
from services.events.timeline.domain import Microseconds


class Selection(NamedTuple):
    """A filter of instances by their start, version and first step; None lets all pass."""

    started_from: Microseconds | None = None  # a half-open period
    started_before: Microseconds | None = None
    version: int | None = None
    channel: str | None = None
    device: str | None = None
    source: str | None = None
    variant: str | None = None

    @property
    def values(self) -> dict[str, str]:
        """What is asked of the first step, by dimension."""
        asked = {"channel": self.channel, "device": self.device, "source": self.source, "variant": self.variant}
        return {dimension: value for dimension, value in asked.items() if value is not None}

    @property
    def stretches(self) -> list[Stretch]:
        """The days and months of a period that counters can tell of."""
        first, before = self.started_from, self.started_before
        return stretches(None if first is None else first // DAY, None if before is None else before // DAY)

    @property
    def is_counted(self) -> bool:
        """Whether counters can tell: they are kept for whole days in UTC, and for one dimension at a time."""
        bounds = (self.started_from, self.started_before)
        values = self.values.values()
        return (
            all(bound is None or bound % DAY == 0 for bound in bounds)
            and len(values) <= 1
            and all(len(value) <= LONGEST_VALUE for value in values)
        )
