"""What a history means for one journey: its instances, their steps, how they end, and the events left over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.events.live.domain.state import RunState, Start
from services.events.live.domain.status import Status
from services.events.live.domain.trail import Trail
from services.events.timeline.domain import Event, Microseconds


class Direction(StrEnum):
    """How a step moves through the map, seen from the phase before it."""

    START = "START"  # first step of the customer's first run
    REENTER = "REENTER"  # first step of a later run
    STAY = "STAY"  # same phase, and every off-map step
    FORWARD = "FORWARD"  # later phase, no mandatory phase strictly between
    SKIP = "SKIP"  # later phase, at least one mandatory phase between
    BACK = "BACK"  # earlier phase


class Why(StrEnum):
    """Why an event that belongs to the journey is a step of no instance."""

    KEY_TAKEN = "KEY_TAKEN"  # the open instance with its key does not take it
    KEY_ENDED = "KEY_ENDED"  # it cancels or returns, and all instances with its key have ended
    NOTHING_TO_END = "NOTHING_TO_END"  # it cancels or returns, and no instance can be
    NO_TOUCHPOINT = "NO_TOUCHPOINT"  # off the map, so it starts no run
    NOT_A_START = "NOT_A_START"  # `startsWhen` does not match it
    REENTRY = "REENTRY"  # `reentry` allows no further run
    UNRECOGNISED = "UNRECOGNISED"  # only an earlier version than the one in force recognises it


class Step(NamedTuple):
    """One event that an instance took."""

    event: Event
    touchpoint: str | None  # key; None for an off-map step
    phase: str  # key of the phase after the step
    direction: Direction
    status: Status  # after the step
    channel: str | None  # of the event, else of the touchpoint


class DropOff(NamedTuple):
    """The end of an instance without its goal, or with its goal undone."""

    reason: str  # a DropOffReason of the GraphQL schema
    phase: str  # key of the phase after the last step
    at: Microseconds
    evidence: tuple[str, ...]  # ids of events


class Untaken(NamedTuple):
    """An event that belongs to the journey and that no instance took."""

    event: Event
    why: Why


@dataclass(slots=True)
class Instance:
    """One run of one customer through one journey, as the history up to the fold's clock shows it.

    Where a history was resumed, `steps` are those since then and `walked_from` is what they follow.
    """

    run: int  # counts the starts of this customer in this journey, from 1
    version: int  # number of the journey version it belongs to, from its first event to its end
    key: str | None
    status: Status
    phase: str  # key of the phase after the last step
    furthest: str  # key of the last phase, in believed order, that it has reached
    touchpoint: str  # key of the touchpoint of the last step that is not off the map
    start: Start
    started_at: Microseconds
    last_event_at: Microseconds
    ended_at: Microseconds | None  # None while active or paused
    due_at: Microseconds | None  # when silence closes it; None once closed
    drop_off: DropOff | None
    steps: list[Step]  # oldest first; never empty where the history was not resumed
    walked_from: Trail  # BEFORE_START for a run that has started since
    resting: RunState | None  # as it stood when it came to rest; kept when it is cancelled or returned afterwards
    end_key: bytes | None  # history key of the event that cancelled or returned it after it had come to rest


class Folded(NamedTuple):
    """The whole meaning of one customer's history for one journey."""

    instances: list[Instance]  # in order of run
    untaken: list[Untaken]  # in history order
