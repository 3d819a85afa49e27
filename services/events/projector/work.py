"""A customer to be folded on, with everything that is needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.events.live.domain import Schedule
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.live.state import States
from services.events.projector.closed_runs import ClosedRuns
from services.events.projector.dirty import Cause
from services.events.timeline.entry import Entry


class Built(NamedTuple):
    """One build as the fold needs it."""

    number: int
    journey: str
    schedule: Schedule
    is_live: bool = False
    """Whether what changes under it is published."""


class Unfoldable(NamedTuple):
    """An event that the fold fails on."""

    event: str
    key: bytes
    error: str


@dataclass(slots=True)
class Work:
    """Each build of one customer goes on from how it stood behind one event."""

    customer: bytes
    stored: CustomerRow | None
    changed_until: bytes
    """Where the part of the history ends that is another one now."""
    start: bytes
    stop: bytes
    base: States
    """How everything stood behind `start`; only these builds are folded."""
    whole: bool = False
    """Whether nothing that is stored of the history can be relied on."""
    clock: int | None = None
    """Up to when silence is told; None: up to now."""
    arrived: int | None = None
    """How many events came in since it was folded; None: perhaps it lost others meanwhile."""
    cause: Cause = Cause.LIVE
    """What it is folded for; time that passes is live, too."""
    entries: Sequence[Entry] = ()
    """The history between `start` and `stop`, in order once it is folded."""
    checkpoints: Mapping[bytes, bytes] = field(default_factory=dict)
    """Those stored between `start` and `stop`."""
    instances: Sequence[InstanceRow] = ()
    steps: Sequence[StepRow] = ()
    """What is stored of `start` to `stop`: instances open behind `start`, begun or ended since, and steps."""
    archives: dict[int, ClosedRuns] = field(default_factory=dict)
    unfoldable: list[Unfoldable] = field(default_factory=list)
    """Events that failed in this step, in however many attempts."""
    left_out: set[str] = field(default_factory=set)
    """Events, by id, that failed before."""

    @property
    def is_told(self) -> bool:
        """Whether what changes is published: not if nothing but history was imported."""
        return Cause.LIVE in self.cause

    @property
    def rewinds(self) -> bool:
        """Whether something is stored of what is folded."""
        return self.stored is not None and self.start < self.stored.last_key

    @property
    def is_catching_up(self) -> bool:
        """Whether a new build is folded, beside others that stay as they are."""
        return self.clock is not None

    @property
    def has_only_new(self) -> bool:
        """Whether no event that is folded has been another customer's, or has been folded before."""
        return not self.rewinds and len(self.entries) == self.arrived

    def archive(self, build: int) -> ClosedRuns:
        archive = self.archives.get(build)
        if archive is None:
            open_runs = [run.start.event for run in self.base[build].open]
            archive = self.archives[build] = ClosedRuns(self.start, open_runs)
        return archive
