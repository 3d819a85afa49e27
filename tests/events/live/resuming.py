"""Histories that are folded on from where they stood, with nothing but what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from services.events.live.domain import (
    BEFORE_START,
    NOTHING,
    Archived,
    History,
    HistoryState,
    Instance,
    Portion,
    RunState,
    Schedule,
    Status,
    Step,
    Trail,
)
from services.events.timeline.domain import Event


class Kept:
    """The archive of a place: of the instances behind it, those that had been closed, the last one first."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._closed = [instance for instance in reversed(instances) if instance.due_at is None]
        self.asked: list[str | int] = []  # keys, and numbers of portions

    def of_key(self, key: str) -> Archived:
        self.asked.append(key)
        closed = [instance for instance in self._closed if instance.key == key]
        return Archived(bool(closed), at_rest(closed))

    def resting(self, portion: int) -> Portion:
        """Portions are as small as can be: one run, and those whose last events have the same time."""
        self.asked.append(portion)
        resting = at_rest(self._closed)
        moments = sorted({run.last_event_at for run in resting}, reverse=True)[portion : portion + 2]
        here = [run for run in resting if run.last_event_at in moments[:1]]
        return Portion(here, moments[0] if len(moments) > 1 else None)


class Noting:
    """An archive that only answers what it has been told to look up."""

    def __init__(self, kept: Kept, loaded: set[str | int]) -> None:
        self._kept = kept
        self._loaded = loaded
        self.missed: set[str | int] = set()

    def of_key(self, key: str) -> Archived:
        if key in self._loaded:
            return self._kept.of_key(key)
        self.missed.add(key)
        return NOTHING.of_key(key)

    def resting(self, portion: int) -> Portion:
        if portion in self._loaded:
            return self._kept.resting(portion)
        self.missed.add(portion)
        return NOTHING.resting(portion)


def at_rest(closed: Iterable[Instance]) -> list[RunState]:
    return [one.resting for one in closed if one.resting is not None and one.status is Status.COMPLETED]


def whole(schedule: Schedule, events: Sequence[Event]) -> History:
    history = History(schedule)
    for event in events:
        history.add(event)
    return history


def told_at(history: History) -> list[Instance]:
    """The instances as they stood behind the last event."""
    return history.until(-(1 << 63))


def stored(state: HistoryState) -> HistoryState:
    """The state after it has been written and read."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=HistoryState)


def resumed(schedule: Schedule, before: Sequence[Event]) -> History:
    """The history, folded once and resumed with what is kept of it."""
    return resumed_from(schedule, whole(schedule, before))


def resumed_from(schedule: Schedule, before: History) -> History:
    return History(schedule, stored(before.state()), Kept(told_at(before)))


def merged(before: Sequence[Instance], since: Sequence[Instance]) -> list[Instance]:
    """All instances, by those of a place and those told since it was resumed; both are in order of run."""
    for told in (before, since):
        assert [instance.start.key for instance in told] == sorted(instance.start.key for instance in told)
    all_of_them = {instance.start.key: instance for instance in before}
    for instance in since:
        earlier = all_of_them.get(instance.start.key)
        if earlier is not None:
            assert instance.walked_from == trail(earlier.steps)
            instance = replace(instance, steps=earlier.steps + instance.steps, walked_from=earlier.walked_from)
        all_of_them[instance.start.key] = instance
    return [all_of_them[start] for start in sorted(all_of_them)]


def trail(steps: Iterable[Step]) -> Trail:
    """What is known behind the steps of a run."""
    trail = BEFORE_START
    for step in steps:
        event = step.event
        trail = trail.after(step.touchpoint, event.occurred_at, step.channel, event.device, event.source)
    return trail


def without_numbers(instances: Sequence[Instance]) -> list[Instance]:
    return [
        replace(one, run=0, resting=None if one.resting is None else one.resting._replace(number=0))
        for one in instances
    ]
