"""Where a history stands behind one of its events: all that a later event may need, and no more.

Plain values, so that a state can be stored and compared. A state depends on the schedule and on the events so far,
not on where the fold was resumed on the way.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from services.events.live.domain.status import Status
from services.events.live.domain.trail import Trail
from services.events.timeline.domain import Microseconds

_encode = msgspec.msgpack.Encoder().encode


class Start(NamedTuple):
    """The first step of a run."""

    event: str  # id
    key: bytes  # its history key: it tells the runs of a customer in a journey apart, and puts them in order
    at: Microseconds
    channel: str | None  # of the event, else of the touchpoint
    device: str | None
    source: str
    variant: str | None  # `context.variant`, if it is a text


class RunState(NamedTuple):
    """One run that may still take an event."""

    number: int
    version: int
    key: str | None
    status: Status
    phase: str  # keys of phases: the current one,
    goal_phase: str  # the one in which it was completed (until then the first),
    touchpoint: str
    furthest: str  # and the last, in believed order, that it has reached
    start: Start
    last_event_at: Microseconds
    ended_at: Microseconds | None
    paused_by: str | None  # id of the event, while paused
    reason: str | None  # of the latest event so far that a drop-off rule matches,
    evidence: str | None  # and the id of that event
    trail: Trail


class HistoryState(NamedTuple):
    """All runs of one customer in one journey.

    A run whose deadline is at or before the event is closed. A closed run is *at rest* if it was completed, and so may
    still be cancelled or returned, if its version knows of such events; all others have *ended* and take nothing more.
    Closed runs are only summed up here, each by what its own version lets later events do with it; see archive. No
    other version has a say: one that is published later must find behind earlier events what has been stored there.
    """

    versions: tuple[int, ...]  # under which runs have started, in ascending order
    started: int  # runs so far
    keyless: int  # runs without a key that may still adopt one: open ones and those that may be cancelled or returned
    spent: bool  # whether there was a run that has no key and can never adopt one: ended, or of a version without keys
    resting: int  # digest of the closed runs; 0: no later event needs to know which there were
    open: tuple[RunState, ...]  # in order of their last event, then of their start


EMPTY = HistoryState((), 0, 0, False, 0, ())
"""Before the first event."""


def alike(one: HistoryState, other: HistoryState) -> bool:
    """Whether the same events mean the same behind both states, but for the numbers of runs.

    The first step of the first run is a START. Whether there was one is told by `versions`.
    """
    return _without_numbers(one) == _without_numbers(other)


def _without_numbers(state: HistoryState) -> HistoryState:
    return state._replace(started=0, open=tuple(run._replace(number=0) for run in state.open))


def digest_of_resting(run: RunState) -> int:
    """What a run that may be cancelled or returned contributes to the digest of closed runs: all but its number."""
    return _digest(_encode(run._replace(number=0)), b"resting")


def digest_of_ended(key: str | None) -> int:
    """What any other run contributes: that its key has been used."""
    return 0 if key is None else _digest(key.encode(), b"ended")


def add_digests(one: int, other: int) -> int:
    """The digest of both multisets; a negative one is taken away."""
    return (one + other) % 2**64


def _digest(content: bytes, person: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8, person=person).digest(), "big")
