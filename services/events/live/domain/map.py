"""The map of a journey version: phases in believed order, each with its touchpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.rules import Rule
from services.events.live.domain.instance import Direction
from services.events.timeline.domain import Microseconds


@dataclass(eq=False, slots=True)
class Phase:
    """A stage of the map."""

    key: str
    index: int  # place in the believed order, from 0
    patience: Microseconds
    directions: tuple[Direction, ...]  # of a step from this phase, by the index of the phase it leads to
    touchpoints: list[Touchpoint]  # in map order


@dataclass(eq=False, slots=True)
class Touchpoint:
    """A contact moment of a phase, recognised by a rule."""

    key: str
    phase: Phase
    channel: str | None  # given to a step whose event has none; None for `any`
    recognised_by: Rule


def direction(origin: int, target: int, mandatory: Sequence[bool]) -> Direction:
    """How a step with a touchpoint moves from one phase to another, by their indexes."""
    if target == origin:
        return Direction.STAY
    if target < origin:
        return Direction.BACK
    return Direction.SKIP if any(mandatory[origin + 1 : target]) else Direction.FORWARD


def nearest(touchpoints: Sequence[Touchpoint], current: Phase) -> Touchpoint | None:
    """Of touchpoints in map order: one in the current phase, else in the nearest later, else in the nearest earlier."""

    def distance(touchpoint: Touchpoint) -> tuple[bool, int]:
        ahead = touchpoint.phase.index - current.index
        return ahead < 0, abs(ahead)

    return min(touchpoints, key=distance, default=None)
