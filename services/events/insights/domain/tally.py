"""What instances contribute to the counters: sums of what each says by itself, to be added and subtracted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.events.insights.domain import spans
from services.events.insights.domain.counts import (
    CHANNEL,
    DEVICE,
    DROP,
    EDGE,
    END,
    FURTHEST,
    LOST,
    SOURCE,
    START,
    STATUS,
    Counts,
    name_of,
)
from services.events.insights.domain.gaps import bucket_of
from services.events.live.domain.trail import Trail
from services.events.live.rows import InstanceRow, StepRow
from services.events.timeline.domain import SOURCE_AT, Microseconds, occurred_at_of, source_of

DAY: Microseconds = 86_400_000_000
LONGEST_VALUE = 255
"""Characters of a dimension value that has counters of its own: a longer one would not fit into an index."""


class Cell(NamedTuple):
    """Where counts are kept; the key of tables.counters, without the workspace.

    `span` is as long as domain.spans says, and begins with `day`. `dimension` is empty, with an empty value, for all
    instances of a version that started then, else the one by which `value` selects some of them.
    """

    build: int
    version: int
    span: str
    day: int
    dimension: str
    value: str


class _Profile(NamedTuple):
    """What instances have in common that go into the same cells."""

    build: int
    version: int
    day: int
    channel: str | None
    device: str | None
    source: str
    variant: str | None

    def cells(self) -> Iterator[Cell]:
        values = {"channel": self.channel, "device": self.device, "source": self.source, "variant": self.variant}
        known = [("", ""), *((name, text) for name, text in values.items() if text is not None)]
        for span, day in ((spans.DAY, self.day), (spans.MONTH, spans.month_of(self.day))):
            for dimension, value in known:
                if len(value) <= LONGEST_VALUE:
                    yield Cell(self.build, self.version, span, day, dimension, value)


_ProfileKey = tuple[int, int, int, str | None, str | None, str, str | None]
"""A profile as plain values, which are made and looked up in half the time."""

Part = tuple[_ProfileKey, list[tuple[tuple[str, ...], int]], list[tuple[tuple[str, str, int], int]]]
"""What the instances of one profile say, without zeros."""


@dataclass(slots=True)
class _Sums:
    """What the instances of one profile say, by the texts of a name; zeros may be among it."""

    plain: defaultdict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    gaps: defaultdict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))


def _any(_cell: Cell) -> bool:
    return True


class Tally:
    """A sum of contributions.

    An instance contributes `instance(row)` and `steps(row, BEFORE_START, all its steps)`; with the sign -1 the same
    calls take that away again. When only the end of a history was replaced, it is enough to take away the steps of the
    old end and to add those of the new one, both from the trail before them.

    Counts are kept per distinct profile while they grow, and go into the cells of its dimensions only once.
    """

    __slots__ = ("_last_row", "_last_sums", "_sums")

    def __init__(self) -> None:
        self._sums: dict[_ProfileKey, _Sums] = {}
        self._last_row: InstanceRow | None = None  # the calls for one row come together
        self._last_sums = _Sums()

    def instance(self, row: InstanceRow, sign: int) -> None:
        """What the standing of an instance says: its status, how far it came, and how it ended."""
        plain = self._of(row).plain
        plain[STATUS, row.status] += sign
        plain[FURTHEST, row.furthest] += sign
        if row.ended_at is not None and row.touchpoint is not None:
            plain[END, row.touchpoint, row.status] += sign
        if row.drop_reason is not None and row.drop_phase is not None:
            plain[LOST, row.furthest] += sign
            device = () if row.device is None else (row.device,)
            plain[DROP, row.drop_phase, row.drop_reason, *device] += sign

    def steps(self, row: InstanceRow, before: Trail, steps: Sequence[StepRow], sign: int) -> Trail:
        """What consecutive steps of an instance say that come after `before`; answers the trail after them."""
        sums = self._of(row)
        plain, gaps = sums.plain, sums.gaps
        touchpoint, at, channel, device, source = before
        said_by = _spelled(source) if source is not None else b"\x00"  # nobody: sources are not empty
        for step in steps:
            key, to = step.key, step.touchpoint
            if to is not None:
                moment = occurred_at_of(key)
                if touchpoint is None:
                    plain[START, to] += sign
                else:
                    gaps[touchpoint, to, bucket_of(moment - at)] += sign
                touchpoint, at = to, moment
            if (known := step.channel) is not None and known != channel:
                if channel is not None:
                    plain[CHANNEL, channel, known] += sign
                channel = known
            if (known := step.device) is not None and known != device:
                if device is not None:
                    plain[DEVICE, device, known] += sign
                device = known
            if not key.startswith(said_by, SOURCE_AT):  # thrice as fast as reading the source
                known = source_of(key)
                if source is not None:
                    plain[SOURCE, source, known] += sign
                source, said_by = known, _spelled(known)
        return Trail(touchpoint, at, channel, device, source)

    def parts(self) -> Iterator[Part]:
        """The sum in parts, from which `take` makes it again."""
        for profile, sums in self._sums.items():
            plain = [(texts, count) for texts, count in sums.plain.items() if count]
            gaps = [(gap, count) for gap, count in sums.gaps.items() if count]
            if plain or gaps:
                yield profile, plain, gaps

    def take(self, part: Part) -> None:
        """Adds a part of another sum."""
        profile, plain, gaps = part
        sums = self._sums.setdefault(profile, _Sums())
        for texts, count in plain:
            sums.plain[texts] += count
        for gap, count in gaps:
            sums.gaps[gap] += count

    def cells(self, asked: Callable[[Cell], bool] = _any, *, with_gaps: bool = True) -> dict[Cell, Counts]:
        """What is to be added to each cell that is asked for; counts may be negative, none is zero, no cell is empty.

        Without the gaps it costs a fraction.
        """
        cells: defaultdict[Cell, Counts] = defaultdict(Counts)
        names: _Names = {}
        for profile, sums in self._sums.items():
            some = [cell for cell in _Profile(*profile).cells() if asked(cell)]
            if not some:
                continue
            plain, gaps = _named(sums, names)
            for cell in some:
                _add(cells[cell], plain, gaps if with_gaps else ())
        return {cell: counts for cell, counts in cells.items() if _without_zeros(counts)}

    def by_version(self) -> dict[int, Counts]:
        """All that was added, by version."""
        versions: defaultdict[int, Counts] = defaultdict(Counts)
        names: _Names = {}
        for profile, sums in self._sums.items():
            _add(versions[_Profile(*profile).version], *_named(sums, names))
        return {version: counts for version, counts in versions.items() if _without_zeros(counts)}

    def _of(self, row: InstanceRow) -> _Sums:
        if row is self._last_row:
            return self._last_sums
        day = row.started_at // DAY
        profile = row.build, row.version, day, row.channel, row.device, row.source, row.variant
        sums = self._sums.get(profile)
        if sums is None:
            sums = self._sums[profile] = _Sums()
        self._last_row, self._last_sums = row, sums
        return sums


def _spelled(source: str) -> bytes:
    """As it stands in history keys."""
    return source.encode() + b"\x00"


_Names = dict[tuple[str, ...], str]
"""The name of each combination of texts, made once."""

_Plain = list[tuple[str, int]]
_Gaps = list[tuple[str, int, int]]


def _named(sums: _Sums, names: _Names) -> tuple[_Plain, _Gaps]:
    """What is not zero of the sums."""
    plain: _Plain = []
    for texts, count in sums.plain.items():
        if count:
            if texts not in names:
                names[texts] = name_of(texts)
            plain.append((names[texts], count))
    gaps: _Gaps = []
    edges: defaultdict[tuple[str, str], int] = defaultdict(int)
    for (origin, to, bucket), count in sums.gaps.items():
        if count:
            edge = origin, to
            if edge not in names:
                names[edge] = name_of(edge)
            gaps.append((names[edge], bucket, count))
            edges[edge] += count
    plain += [(name_of((EDGE, *edge)), count) for edge, count in edges.items() if count]
    return plain, gaps


def _add(counts: Counts, plain: _Plain, gaps: Iterable[tuple[str, int, int]]) -> None:
    total = counts.plain
    for name, count in plain:
        total[name] = total.get(name, 0) + count
    edges = counts.gaps
    for name, bucket, count in gaps:
        held = edges.get(name)
        if held is None:
            edges[name] = {bucket: count}
        else:
            held[bucket] = held.get(bucket, 0) + count


def _without_zeros(counts: Counts) -> Counts:
    counts.drop_zeros()
    return counts
