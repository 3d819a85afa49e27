"""Where an instance stands, told by the few steps that decided it."""

from __future__ import annotations

from typing import NamedTuple

from services.events.live.domain.model import JourneyVersion
from services.events.live.domain.status import Status
from services.events.timeline.domain import Microseconds, occurred_at_of


class Made(NamedTuple):
    """A step, by what it made of its instance."""

    event: str  # id
    key: bytes  # the event's history key
    touchpoint: str | None  # key; None for an off-map step
    phase: str  # key
    status: str

    @property
    def at(self) -> Microseconds:
        return occurred_at_of(self.key)


class Former(NamedTuple):
    """The run before, as it stood when the next one began."""

    run: int
    version: int
    key: str | None  # as it stands now
    start: str  # id of the event that started it
    last: Made  # its last step before the next run began


class Standing(NamedTuple):
    """An instance as it stands, and the steps that made it so; one may be several of them."""

    journey: str
    version: int
    run: int
    key: str | None
    status: str
    is_open: bool  # whether it takes more events
    reason: str | None  # of the drop-off
    evidence: tuple[str, ...]  # ids of events
    first: Made
    placed: Made  # the last one with a touchpoint
    turned: Made  # the one since which it has had the status that the last one left it with
    last: Made
    former: Former | None  # None for the first run

    @property
    def events(self) -> set[str]:
        """The ids of those that have to be known to explain it."""
        steps = {step.event for step in (self.first, self.placed, self.turned, self.last)}
        former = set() if self.former is None else {self.former.start, self.former.last.event}
        return steps | former | set(self.evidence)


def patience_after(step: Made, version: JourneyVersion) -> Microseconds:
    """How long silence may last after a step."""
    return version.pause_patience if step.status == Status.PAUSED else version.phase(step.phase).patience
