"""What is published of instances: every change of status or phase with the time of its event, and every correction.

What an instance has published so far follows from its row and its steps, so nobody has to keep it. A *correction* says
that something of it is no longer so: a change that is gone or has another time, a number, a key, or the whole instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

import msgspec

from services.events.live.domain.status import Status
from services.events.timeline.domain import Microseconds, occurred_at_of

SILENCE = b""
"""In the place of a history key: at the same moment, silence comes before all events."""

Stand = tuple[str, str]
"""Where an instance stands: its status, and the key of its phase."""

# Plain tuples, because there are about as many as events.
Moment = tuple[Microseconds, bytes, str, str]
"""When an instance came to stand somewhere else: the time, the history key of the event or SILENCE, status, phase."""


class Row(Protocol):
    """What has to be known of an instance, whether it is stored or was folded for a reader."""

    @property
    def customer(self) -> bytes: ...
    @property
    def instance(self) -> bytes: ...
    @property
    def journey(self) -> str: ...
    @property
    def key(self) -> str | None: ...
    @property
    def run(self) -> int: ...
    @property
    def start_key(self) -> bytes: ...
    @property
    def status(self) -> str: ...
    @property
    def phase(self) -> str: ...
    @property
    def ended_at(self) -> Microseconds | None: ...


class Step(Protocol):
    """And of a step: the history key of its event, and how the instance stands behind it."""

    @property
    def key(self) -> bytes: ...
    @property
    def status(self) -> str: ...
    @property
    def phase(self) -> str: ...


class Told(NamedTuple):
    """An instance with what it publishes within a stretch of the history."""

    customer: bytes
    instance: bytes
    journey: str
    key: str | None
    run: int
    start_key: bytes
    end: Stand
    before: Stand | None  # where it stood before the stretch; None if it began within
    moments: list[Moment]  # in order
    last: bytes = b""  # history key of the last step within the stretch
    is_quiet: bool = False  # if it is gone, nobody is told


class InstanceChange(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One thing that is published of an instance."""

    customer: bytes  # whose the instance is; the customer and the key are those of when it was written
    instance: bytes
    journey: str
    key: str | None
    at: Microseconds  # of the event or the deadline; see `between` for corrections
    previous_status: str | None  # None for the start of a run
    previous_phase: str | None
    status: str | None  # None if there is no such instance any more
    phase: str | None
    correction: bool


Placed = tuple[Microseconds, bytes, bytes, InstanceChange]
"""A change behind its place among those of its customer: the time, the history key as in Moment, that of the start."""


def told(row: Row, before: Stand | None, steps: Iterable[Step]) -> Told:
    """What the row and its steps within the stretch publish."""
    moments = []
    status, phase = before or (None, None)
    last = b""
    for step in steps:
        last = step.key
        if step.phase != phase or step.status != status:
            status, phase = step.status, step.phase
            moments.append((occurred_at_of(step.key), step.key, status, phase))
    if row.status == Status.ABANDONED and row.ended_at is not None:
        moments.append((row.ended_at, SILENCE, row.status, row.phase))
    end = row.status, row.phase
    return Told(row.customer, row.instance, row.journey, row.key, row.run, row.start_key, end, before, moments, last)


def between(old: Told | None, new: Told | None) -> list[Placed]:
    """What is to be published when the same instance is another one now; None: there was or is none.

    A correction that puts something else in the place of what is gone has the new time, and as previous stand what had
    been published. One that only takes something back has the time of what is gone, and says where the instance stood
    then. If the number, the key or all of the instance is gone, the time is that of its start.
    """
    if new is None:
        return [] if old is None or old.is_quiet else [_of_start(old, old.end, None)]
    if old is None or not old.moments:
        changes = _added(new)
        gone: list[Moment] = []
    else:
        gone, fresh = _apart(old.moments, new.moments), _apart(new.moments, old.moments)
        changes = _replaced(new, fresh, gone) + [_taken_back(new, moment) for moment in gone[len(fresh) :]]
    if old is not None and not gone and (old.run != new.run or old.key not in (None, new.key)):
        changes.append(_of_start(new, old.end, new.end))
    return changes


def is_imported(placed: Placed, last: bytes, imported: Container[bytes]) -> bool:
    """Whether imported history brings the change about; `last` is the last step of its instance, `imported` are keys.

    A deadline that has passed is brought about by the event before it. Corrections are not: they mend what was told.
    """
    _at, by, _start, change = placed
    return not change.correction and (last if by == SILENCE else by) in imported


def renumbering(
    customer: bytes, instance: bytes, journey: str, key: str | None, start_key: bytes, status: str, phase: str
) -> InstanceChange:
    """The correction of an instance of which nothing changes but its number."""
    stand = status, phase
    *_place, change = _of_start(Told(customer, instance, journey, key, 0, start_key, stand, None, []), stand, stand)
    return change


def in_order(changes: Sequence[Placed]) -> list[InstanceChange]:
    """The changes of one customer, in the order of its history."""
    return [placed[-1] for placed in (sorted(changes, key=_place) if len(changes) > 1 else changes)]


_place = itemgetter(0, 1, 2)


def _apart(some: Sequence[Moment], others: Sequence[Moment]) -> list[Moment]:
    """Those of `some` that are not among the others; which event it was that made the same change does not matter."""
    left = Counter((at, status, phase) for at, _by, status, phase in others)
    apart = []
    for moment in some:
        at, _by, status, phase = moment
        if left[at, status, phase]:
            left[at, status, phase] -= 1
        else:
            apart.append(moment)
    return apart


def _added(new: Told) -> list[Placed]:
    """All that an instance publishes, of which nothing has been published."""
    customer, instance, journey, key, _run, start_key, _end, before, moments, *_rest = new
    was, was_in = before or (None, None)
    changes = []
    for at, by, status, phase in moments:
        change = InstanceChange(customer, instance, journey, key, at, was, was_in, status, phase, False)
        changes.append((at, by, start_key, change))
        was, was_in = status, phase
    return changes


def _replaced(new: Told, fresh: Sequence[Moment], gone: Sequence[Moment]) -> list[Placed]:
    """The fresh ones, of which the first so many are in the place of those that are gone."""
    changes: list[Placed] = []
    stand = new.before
    for moment in new.moments:
        number = len(changes)
        if number < len(fresh) and moment is fresh[number]:
            is_instead = number < len(gone)
            previous = gone[number][2:] if is_instead else stand
            changes.append(_placed(new, moment, previous, moment[2:], correction=is_instead))
        stand = moment[2:]
    return changes


def _taken_back(new: Told, gone: Moment) -> Placed:
    """Nothing is in the place of what is gone."""
    stand = new.before
    for at, _by, status, phase in new.moments:
        if at <= gone[0]:
            stand = status, phase
    return _placed(new, gone, gone[2:], stand, correction=True)


def _of_start(of: Told, previous: Stand, stand: Stand | None) -> Placed:
    start = occurred_at_of(of.start_key), of.start_key, *previous
    return _placed(of, start, previous, stand, correction=True)


def _placed(of: Told, when: Moment, previous: Stand | None, stand: Stand | None, *, correction: bool) -> Placed:
    at, by, _status, _phase = when
    was, was_in = previous or (None, None)
    status, phase = stand or (None, None)
    change = InstanceChange(of.customer, of.instance, of.journey, of.key, at, was, was_in, status, phase, correction)
    return at, by, of.start_key, change
