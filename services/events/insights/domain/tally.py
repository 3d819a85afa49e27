"""What instances contribute to the counters: sums of what each says by itself, to be added and subtracted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.events.insights.domain.counts import (
    CHANNEL,
    DEVICE,
    DROP,
    END,
    FLOW,
    FURTHEST,
    LOST,
    SOURCE,
    START,
    STATUS,
    Counts,
)
from services.events.insights.domain.gaps import bucket_of
from services.events.live.domain.trail import Trail
from services.events.live.rows import InstanceRow, StepRow
from services.events.timeline.domain import Microseconds, occurred_at_of, source_of

DAY: Microseconds = 86_400_000_000
LONGEST_VALUE = 255
"""Characters of a dimension value that has counters of its own: a longer one would not fit into an index."""


class Cell(NamedTuple):
    """Where counts are kept; the key of tables.counters, without the workspace.

    `dimension` is empty, with an empty value, for all instances of a version and a day, else the one by which `value`
    selects some of them.
    """

    build: int
    version: int
    day: int
    dimension: str
    value: str
    partition: int


class _Profile(NamedTuple):
    """What instances have in common that go into the same cells."""

    partition: int
    build: int
    version: int
    day: int
    channel: str | None
    device: str | None
    source: str
    variant: str | None

    def cells(self) -> Iterator[Cell]:
        values = {"channel": self.channel, "device": self.device, "source": self.source, "variant": self.variant}
        yield Cell(self.build, self.version, self.day, "", "", self.partition)
        for dimension, value in values.items():
            if value is not None and len(value) <= LONGEST_VALUE:
                yield Cell(self.build, self.version, self.day, dimension, value, self.partition)


_Key = tuple[str | int, ...]
"""Kind, texts and number of a count."""


class Tally:
    """A sum of contributions.

    An instance contributes `instance(row)` and `steps(row, BEFORE_START, all its steps)`; with the sign -1 the same
    calls take that away again. When only the end of a history was replaced, it is enough to take away the steps of the
    old end and to add those of the new one, both from the trail before them.

    Counts are kept per distinct profile while they grow, and go into the cells of its dimensions only once.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[_Profile, defaultdict[_Key, int]] = {}

    def instance(self, row: InstanceRow, sign: int) -> None:
        """What the standing of an instance says: its status, how far it came, and how it ended."""
        counts = self._of(row)
        counts[STATUS, row.status, 0] += sign
        counts[FURTHEST, row.furthest, 0] += sign
        if row.ended_at is not None and row.touchpoint is not None:
            counts[END, row.touchpoint, row.status, 0] += sign
        if row.drop_reason is not None and row.drop_phase is not None:
            counts[LOST, row.furthest, 0] += sign
            device = () if row.device is None else (row.device,)
            counts[DROP, row.drop_phase, row.drop_reason, *device, 0] += sign

    def steps(self, row: InstanceRow, before: Trail, steps: Sequence[StepRow], sign: int) -> Trail:
        """What consecutive steps of an instance say that come after `before`; answers the trail after them."""
        counts = self._of(row)
        touchpoint, at, channel, device, source = before
        for step in steps:
            key, to = step.key, step.touchpoint
            if to is not None:
                moment = occurred_at_of(key)
                if touchpoint is None:
                    counts[START, to, 0] += sign
                else:
                    counts[FLOW, touchpoint, to, bucket_of(moment - at)] += sign
                touchpoint, at = to, moment
            if (known := step.channel) is not None and known != channel:
                if channel is not None:
                    counts[CHANNEL, channel, known, 0] += sign
                channel = known
            if (known := step.device) is not None and known != device:
                if device is not None:
                    counts[DEVICE, device, known, 0] += sign
                device = known
            if (known := source_of(key)) != source:
                if source is not None:
                    counts[SOURCE, source, known, 0] += sign
                source = known
        return Trail(touchpoint, at, channel, device, source)

    def cells(self) -> dict[Cell, Counts]:
        """What is to be added to each cell; counts may be negative, none is zero, no cell is empty."""
        cells: dict[Cell, Counts] = {}
        for profile, counts in self._counts.items():
            named = _named(counts)
            if named:
                for cell in profile.cells():
                    _add(cells.setdefault(cell, {}), named)
        return {cell: left for cell, found in cells.items() if (left := _without_zeros(found))}

    def by_version(self) -> dict[int, Counts]:
        """All that was added, by version."""
        versions: dict[int, Counts] = {}
        for profile, counts in self._counts.items():
            _add(versions.setdefault(profile.version, {}), _named(counts))
        return {version: _without_zeros(found) for version, found in versions.items()}

    def _of(self, row: InstanceRow) -> defaultdict[_Key, int]:
        profile = _Profile(
            row.partition,
            row.build,
            row.version,
            row.started_at // DAY,
            row.channel,
            row.device,
            row.source,
            row.variant,
        )
        counts = self._counts.get(profile)
        if counts is None:
            counts = self._counts[profile] = defaultdict(int)
        return counts


_Named = list[tuple[str, int, int]]
"""Name, number and count."""


def _named(counts: defaultdict[_Key, int]) -> _Named:
    return [("\x00".join(map(str, key[:-1])), int(key[-1]), count) for key, count in counts.items() if count]


def _add(total: Counts, named: _Named) -> None:
    for name, number, count in named:
        numbers = total.get(name)
        if numbers is None:
            total[name] = {number: count}
        else:
            numbers[number] = numbers.get(number, 0) + count


def _without_zeros(counts: Counts) -> Counts:
    found = {name: {number: count for number, count in numbers.items() if count} for name, numbers in counts.items()}
    return {name: numbers for name, numbers in found.items() if numbers}
