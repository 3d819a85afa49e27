"""What is published of instances: every change of status or phase with the time of its event, and every correction.

What an instance has published so far follows from its row and its steps, so nobody has to keep it. A *correction* says
that something of it is no longer so: a change that is gone or has another time, a number, a key, or the whole instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from services.events.live.domain.status import Status
from services.events.live.rows import InstanceRow, StepRow
from services.events.timeline.domain import Microseconds, occurred_at_of

_SILENCE = b""
"""In the place of a history key: at the same moment, silence comes before all events."""


class Stand(NamedTuple):
    """Where an instance stands."""

    status: str
    phase: str  # key


class Moment(NamedTuple):
    """When an instance came to stand somewhere else."""

    at: Microseconds
    by: bytes  # history key of the event; _SILENCE if there was none
    stand: Stand


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
    moments: list[Moment]


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


class Placed(NamedTuple):
    """A change with its place among those of its customer: (at, by, start_key)."""

    at: Microseconds
    by: bytes
    start_key: bytes
    change: InstanceChange


def told(row: InstanceRow, before: Stand | None, steps: Iterable[StepRow]) -> Told:
    """What the row and its steps within the stretch publish."""
    moments = []
    status, phase = before or (None, None)
    for step in steps:
        if step.status != status or step.phase != phase:
            status, phase = step.status, step.phase
            moments.append(Moment(occurred_at_of(step.key), step.key, Stand(status, phase)))
    end = Stand(row.status, row.phase)
    if row.status == Status.ABANDONED and row.ended_at is not None:
        moments.append(Moment(row.ended_at, _SILENCE, end))
    return Told(row.customer, row.instance, row.journey, row.key, row.run, row.start_key, end, before, moments)


def between(old: Told | None, new: Told | None) -> list[Placed]:
    """What is to be published when the same instance is another one now; None: there was or is none.

    A correction that puts something else in the place of what is gone has the new time, and as previous stand what had
    been published. One that only takes something back has the time of what is gone, and says where the instance stood
    then. If the number, the key or all of the instance is gone, the time is that of its start.
    """
    if old is None:
        return [] if new is None else _changes(new, new.moments, [])
    if new is None:
        return [_of_start(old, old.end, None)]
    gone, added = _apart(old.moments, new.moments), _apart(new.moments, old.moments)
    changes = _changes(new, added, gone)
    changes += [_taken_back(new, moment) for moment in gone[len(added) :]]
    if not gone and (old.run != new.run or (old.key is not None and old.key != new.key)):
        changes.append(_of_start(new, old.end, new.end))
    return changes


def renumbering(
    customer: bytes, instance: bytes, journey: str, key: str | None, start_key: bytes, status: str, phase: str
) -> InstanceChange:
    """The correction of an instance of which nothing changes but its number."""
    stand = Stand(status, phase)
    return _of_start(Told(customer, instance, journey, key, 0, start_key, stand, None, []), stand, stand).change


def in_order(changes: Iterable[Placed]) -> list[InstanceChange]:
    """The changes of one customer, in the order of their history."""
    return [placed.change for placed in sorted(changes, key=lambda placed: placed[:3])]


def _apart(some: Sequence[Moment], others: Sequence[Moment]) -> list[Moment]:
    """Those of `some` that are not among the others; which event it was that made the same change does not matter."""
    if not others:
        return list(some)
    left = Counter((moment.at, moment.stand) for moment in others)
    apart = []
    for moment in some:
        what = moment.at, moment.stand
        if left[what]:
            left[what] -= 1
        else:
            apart.append(moment)
    return apart


def _changes(new: Told, added: Sequence[Moment], gone: Sequence[Moment]) -> list[Placed]:
    """The added ones, of which the first so many are in the place of those that are gone."""
    changes: list[Placed] = []
    stand = new.before
    wanted = iter(added)
    awaited = next(wanted, None)
    for moment in new.moments:
        if moment is awaited:
            corrects = gone[len(changes)].stand if len(changes) < len(gone) else None
            changes.append(_placed(new, moment, corrects or stand, moment.stand, correction=corrects is not None))
            awaited = next(wanted, None)
        stand = moment.stand
    return changes


def _taken_back(new: Told, gone: Moment) -> Placed:
    """Nothing is in the place of what is gone."""
    stand = new.before
    for moment in new.moments:
        if moment.at <= gone.at:
            stand = moment.stand
    return _placed(new, gone, gone.stand, stand, correction=True)


def _of_start(of: Told, previous: Stand, stand: Stand | None) -> Placed:
    start = Moment(occurred_at_of(of.start_key), of.start_key, previous)
    return _placed(of, start, previous, stand, correction=True)


def _placed(of: Told, when: Moment, previous: Stand | None, stand: Stand | None, *, correction: bool) -> Placed:
    at, by, _stand = when
    previous_status, previous_phase = previous or (None, None)
    status, phase = stand or (None, None)
    change = InstanceChange(
        of.customer,
        of.instance,
        of.journey,
        of.key,
        at,
        previous_status,
        previous_phase,
        status,
        phase,
        correction,
    )
    return Placed(at, by, of.start_key, change)
