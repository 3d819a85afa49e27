"""The fold: what the events of one customer mean for one journey. Read it beside the contract on journey semantics."""

from __future__ import annotations

from collections.abc import Sequence

from services.events.live.domain.instance import Folded, Status, Untaken, Why
from services.events.live.domain.model import JourneyVersion, Reentry, Schedule
from services.events.live.domain.reading import Reading
from services.events.live.domain.run import Run
from services.events.live.domain.runs import Runs, latest
from services.events.timeline.domain import Event, Microseconds


def fold(schedule: Schedule, events: Sequence[Event], now: Microseconds) -> Folded:
    """The instances of one customer in one journey.

    The events are all of the customer's, of this journey or not, and sorted by `key`; the caller sees to both.
    The clock is the later of `now` and the last event.
    """
    history = History(schedule)
    for event in events:
        history.add(event)
    return history.until(max(now, events[-1].occurred_at) if events else now)


class History:
    """One customer's history in one journey, read event by event."""

    __slots__ = ("_readings", "_runs", "_schedule", "_untaken")

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._runs = Runs()
        self._readings: dict[int, Reading] = {}  # by version number: every version that was in force at some event
        self._untaken: list[Untaken] = []

    def until(self, clock: Microseconds) -> Folded:
        """Silence up to the clock is the last thing that happens."""
        self._runs.close_silent(clock)
        return Folded([run.instance() for run in self._runs.all], self._untaken)

    def add(self, event: Event) -> None:
        """Read the next event: it goes to an instance, starts a run, or neither."""
        in_force = self._in_force(event.occurred_at)
        belongs = False
        for reading in self._readings.values():
            if reading.recognise(event):
                belongs = True
        if in_force is None or not belongs:
            return
        for reading in self._readings.values():
            reading.read_key(event)
        self._runs.close_silent(event.occurred_at)

        run = self._named()
        if run is not None and not run.takes():
            self._leave(event, Why.KEY_TAKEN)
        elif run := run or self._latest_taker():
            self._give(run, event)
        elif in_force.recognition.belongs:
            self._start(in_force, event)
        elif any(run.reading.recognition.belongs for run in self._runs.everything.open.values()):
            self._leave(event, Why.UNRECOGNISED)

    def _in_force(self, at: Microseconds) -> Reading | None:
        version = self._schedule.in_force(at)
        if version is None:
            return None
        reading = self._readings.get(version.number)
        if reading is None:
            reading = self._readings[version.number] = Reading(version)
        return reading

    def _named(self) -> Run | None:
        """The instance that the event's key names, whether it takes the event or not (rules 1 and 3)."""
        still_open = returned = cancelled = None
        for reading in self._readings.values():
            shelf = None if reading.key is None else self._runs.with_key(reading.key)
            if shelf is None:
                continue
            for run in shelf.open.values():
                if run.reading is reading:
                    still_open = run
            if reading.recognition.ends:
                returned = _later(returned, latest(shelf.completed, _is_named_to_return))
                cancelled = _later(cancelled, latest(shelf.completed, _is_named_to_cancel))
        return returned or still_open or cancelled

    def _latest_taker(self) -> Run | None:
        """The instance that takes an event without a key, or adopts the key of one that names none (rules 1 to 3)."""
        without_key = ends = False
        for reading in self._readings.values():
            without_key |= reading.key is None
            ends |= reading.recognition.ends
        shelf = self._runs.everything if without_key else self._runs.keyless
        if not ends:
            return latest(shelf.open, self._takes)
        # Returns prefer what is completed to what is open, cancellations the other way round.
        return (
            latest(shelf.completed, self._returns)
            or latest(shelf.open, self._takes)
            or latest(shelf.completed, self._cancels)
        )

    def _takes(self, run: Run) -> bool:
        return run.takes() and self._key_allows(run)

    def _returns(self, run: Run) -> bool:
        return run.reading.recognition.returns and self._key_allows(run)

    def _cancels(self, run: Run) -> bool:
        return run.reading.recognition.cancels and self._key_allows(run)

    def _key_allows(self, run: Run) -> bool:
        """Whether an event that names no instance may go to the run: it has no key, or one that the run may adopt."""
        key = run.reading.key
        if key is None:
            return True
        if run.key is not None:
            return False
        if not self._runs.is_used(key):
            return True
        # Earlier runs have the key. A cancellation or return is about those, even if all of them have ended.
        if run.reading.recognition.ends or run.reading.version.reentry is Reentry.NEVER:
            return False
        return not self._runs.is_open(key)

    def _give(self, run: Run, event: Event) -> None:
        if run.key is None and run.reading.key is not None:
            self._runs.adopt(run, run.reading.key)
        run.take(event)
        self._runs.moved(run)

    def _start(self, reading: Reading, event: Event) -> None:
        """Start a run with an event that no instance takes, if the version in force lets it."""
        version, recognition = reading.version, reading.recognition
        if recognition.ends:
            known = reading.key is not None and self._runs.is_used(reading.key)
            self._leave(event, Why.KEY_ENDED if known else Why.NOTHING_TO_END)
        elif self._runs.is_open(reading.key):
            self._leave(event, Why.KEY_TAKEN)
        elif recognition.first is None:
            self._leave(event, Why.NO_TOUCHPOINT)
        elif version.starts_when is not None and not version.starts_when.matches(event):
            self._leave(event, Why.NOT_A_START)
        elif not self._may_reenter(version, reading.key):
            self._leave(event, Why.REENTRY)
        else:
            self._runs.started(Run(len(self._runs.all) + 1, reading, event, recognition.first))

    def _may_reenter(self, version: JourneyVersion, key: str | None) -> bool:
        if version.reentry is Reentry.NEVER:
            return not self._runs.is_used(key)
        if version.reentry is Reentry.AFTER_END:
            return all(run.status is Status.COMPLETED for run in self._runs.everything.open.values())
        return True

    def _leave(self, event: Event, why: Why) -> None:
        self._untaken.append(Untaken(event, why))


def _is_named_to_return(run: Run) -> bool:
    return run.reading.recognition.returns and run.reading.key == run.key


def _is_named_to_cancel(run: Run) -> bool:
    return run.reading.recognition.cancels and run.reading.key == run.key


def _later(one: Run | None, other: Run | None) -> Run | None:
    """Of two runs, the one whose last event is later, then the one with the higher number."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda run: (run.last_event_at, run.number))
