"""What folding customers on publishes: see live.domain.changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from services.events.live.domain import RunState
from services.events.live.domain.changes import SILENCE, Placed, Stand, Told, between, is_imported, told
from services.events.live.rows import InstanceRow, StepRow
from services.events.projector.closed_runs import resting_of
from services.events.projector.dirty import Cause
from services.events.projector.work import Work

Steps = Mapping[bytes, Sequence[StepRow]]
"""By instance, in the order of the history."""

Identity = tuple[bytes, int]
"""Instance and build."""


class Passed(NamedTuple):
    """An instance whose first event has gone over from one customer to another."""

    build: int
    told: Told
    """What it publishes in all: as the former customer's, or as the one's that it may have come to."""

    @property
    def identity(self) -> Identity:
        return self.told.instance, self.build


@dataclass(slots=True)
class Published:
    """What one customer publishes."""

    is_told: bool = True
    """Otherwise only history was imported, and nothing that follows from it is published."""
    imported: frozenset[bytes] = frozenset()
    """History keys of events that were imported just before or after others came in: what they begin or change is
    not published either.
    """
    placed: list[Placed] = field(default_factory=list)
    left: list[Passed] = field(default_factory=list)
    """Their first events are another customer's now. What becomes of them, the fold of that one will tell."""
    come: list[Passed] = field(default_factory=list)
    """New to this customer, but perhaps known as another's."""

    def __bool__(self) -> bool:
        return bool(self.placed or self.left or self.come)

    def told(self, placed: Sequence[Placed], last: bytes = b"") -> Sequence[Placed]:
        """Those that are to be published of an instance; `last` is the last step of it."""
        if not self.is_told:
            return []
        if not self.imported:
            return placed
        return [one for one in placed if not is_imported(one, last, self.imported)]


class Telling:
    """Collects what the fold of one customer publishes, build by build."""

    def __init__(self, work: Work) -> None:
        self.published = Published(work.is_told, _imported(work))
        self._work = work
        self._is_told = False
        self._build = 0
        self._stands: dict[str, Stand] | None = None
        self._old_steps: Steps = {}
        self._new_steps: Steps = {}
        self._keys: frozenset[bytes] | None = None

    def turn_to(self, build: int, old_steps: Steps, new_steps: Steps, *, is_told: bool) -> None:
        """What follows is about this build; the steps are those within the stretch that is folded."""
        self._is_told = is_told
        if not is_told:
            return
        self._build = build
        self._stands = None
        self._old_steps = old_steps
        self._new_steps = new_steps

    def has(self, old: InstanceRow | None, new: InstanceRow) -> None:
        """The customer has an instance, which is new to it if there is no old row."""
        if not self._is_told:
            return
        steps = self._new_steps.get(new.instance, ())
        if old is None:
            fresh = told(new, None, steps)
            if self._work.has_only_new:
                self.published.placed += self.published.told(between(None, fresh), fresh.last)
            else:
                self.published.come.append(Passed(self._build, fresh))
            return
        old_steps = self._old_steps.get(new.instance, ())
        if steps or old_steps or _is_told_otherwise(old, new):
            before = self._before(old)
            fresh = told(new, before, steps)
            changes = between(told(old, before, old_steps), fresh)
            if self._work.is_told:
                self.published.placed += self.published.told(changes, fresh.last)
            else:
                self.published.placed += _fallen_due(old, changes)

    def has_no_more(self, old: InstanceRow) -> None:
        """The customer has an instance no longer."""
        if not self._is_told:
            return
        if self._keys is None:
            self._keys = frozenset(entry.key for entry in self._work.entries)
        gone = told(old, None, self._old_steps.get(old.instance, ()))
        if old.start_key in self._keys:
            self.published.placed += self.published.told(between(gone, None))
        else:
            self.published.left.append(Passed(self._build, gone._replace(is_quiet=not self._work.is_told)))

    def _before(self, old: InstanceRow) -> Stand | None:
        """Where the instance stood before the stretch; None if it began within."""
        if old.start_key > self._work.start:
            return None
        if self._stands is None:
            open_runs = self._work.base[self._build].open
            self._stands = {run.start.event: (run.status, run.phase) for run in open_runs}
        if old.start_event in self._stands:
            return self._stands[old.start_event]
        resting = cast(RunState, resting_of(old))  # else no event of the stretch would concern it
        return resting.status, resting.phase


def _imported(work: Work) -> frozenset[bytes]:
    if work.cause != Cause.LIVE | Cause.IMPORTED:
        return frozenset()
    return frozenset(entry.key for entry in work.entries if entry.recorded.imported)


def _fallen_due(old: InstanceRow, changes: Iterable[Placed]) -> list[Placed]:
    """The end of an instance at the very deadline that was known: it would have come without the import."""
    return [one for one in changes if one[1] == SILENCE and old.ended_at is None and one[0] == old.due_at]


def _is_told_otherwise(old: InstanceRow, new: InstanceRow) -> bool:
    return (old.status, old.ended_at, old.run, old.key) != (new.status, new.ended_at, new.run, new.key)
