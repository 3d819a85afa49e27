"""What the sums of contributions mean: statuses, funnel, flow, hops and drop-offs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from services.events.insights.domain.gaps import median
from services.events.live.domain import Status
from services.events.timeline.domain import Microseconds

_BEFORE_FIRST = "START"
_AFTER_LAST = "END:"
_Counted = list[tuple[list[str], int]]
_Kinds = defaultdict[str, _Counted]
_HOPS = {"channel": CHANNEL, "device": DEVICE, "source": SOURCE}


@dataclass(frozen=True, slots=True)
class StatusCount:
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """In numbers of instances, each by the believed order of its own version."""

    phase: str
    reached: int  # that phase or a later one
    continued: int  # of those, reached a later one: of the last phase none
    dropped: int  # of those that came no further, the ones with a drop-off


@dataclass(frozen=True, slots=True)
class FlowEdge:
    """Consecutive steps with a touchpoint; before the first comes `START`, after the last `END:` and the status."""

    from_: str
    to: str
    count: int
    median_gap: Microseconds | None  # at most 2 % off; None at the ends, or when the gaps are left out of the sums


@dataclass(frozen=True, slots=True)
class Hop:
    """Consecutive known values that differ, off-map steps included; unknown ones are skipped over."""

    from_: str
    to: str
    count: int


@dataclass(frozen=True, slots=True)
class DropOff:
    phase: str
    reason: str
    device: str | None  # of the first step
    count: int


@dataclass(frozen=True, slots=True)
class Insights:
    """Of one selection of a journey's instances. Lists without an order of their own begin with the most frequent."""

    instances: int
    by_status: list[StatusCount]  # those that occur
    funnel: list[FunnelStep]
    flow: list[FlowEdge]
    hops: dict[str, list[Hop]]  # by dimension
    drop_offs: list[DropOff]


def meaning(sums: Mapping[int, Counts], phases: Mapping[int, Sequence[str]]) -> Insights:
    """What counts by version say; `phases` are the keys of all versions concerned, in their believed order."""
    total = Counts()
    for counts in sums.values():
        total.add(counts)
    kinds = total.by_kind()
    statuses = {text: count for [text], count in kinds[STATUS]}
    return Insights(
        instances=sum(statuses.values()),
        by_status=[StatusCount(status, statuses[status]) for status in Status if status in statuses],
        funnel=_funnel(sums, phases),
        flow=_flow(kinds, total.gaps),
        hops={dimension: _hops(kinds[kind]) for dimension, kind in _HOPS.items()},
        drop_offs=_drop_offs(kinds[DROP]),
    )


def _funnel(sums: Mapping[int, Counts], phases: Mapping[int, Sequence[str]]) -> list[FunnelStep]:
    """In the order of the newest version; what only older ones have comes behind, the newer first."""
    reached: Counter[str] = Counter()
    continued: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    newest_first = sorted(phases, reverse=True)
    for version in newest_first:
        kinds = sums.get(version, Counts()).by_kind()
        furthest = {text: count for [text], count in kinds[FURTHEST]}
        dropped.update({text: count for [text], count in kinds[LOST]})
        later = 0
        for phase in reversed(phases[version]):
            continued[phase] += later
            later += furthest.get(phase, 0)
            reached[phase] += later
    order = dict.fromkeys(phase for version in newest_first for phase in phases[version])
    return [FunnelStep(phase, reached[phase], continued[phase], dropped[phase]) for phase in order]


def _flow(kinds: _Kinds, gaps: Mapping[str, Mapping[int, int]]) -> list[FlowEdge]:
    edges = [FlowEdge(_BEFORE_FIRST, to, count, None) for [to], count in kinds[START]]
    edges += [FlowEdge(origin, _AFTER_LAST + status, count, None) for [origin, status], count in kinds[END]]
    for [origin, to], count in kinds[EDGE]:
        histogram = gaps.get(name_of((origin, to)))
        edges.append(FlowEdge(origin, to, count, median(histogram) if histogram else None))
    return sorted(edges, key=lambda edge: (-edge.count, edge.from_, edge.to))


def _hops(counted: _Counted) -> list[Hop]:
    hops = [Hop(origin, to, count) for [origin, to], count in counted]
    return sorted(hops, key=lambda hop: (-hop.count, hop.from_, hop.to))


def _drop_offs(counted: _Counted) -> list[DropOff]:
    found = [
        DropOff(phase, reason, device[0] if device else None, count) for [phase, reason, *device], count in counted
    ]
    return sorted(found, key=lambda drop: (-drop.count, drop.phase, drop.reason, drop.device or ""))
