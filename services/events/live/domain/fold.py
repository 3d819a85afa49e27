"""The fold: what the events of one customer mean for one journey. Read it beside the contract on journey semantics."""

from __future__ import annotations

from collections.abc import Sequence

from services.events.live.domain.archive import NOTHING, Archive
from services.events.live.domain.instance import Folded, Instance, Untaken, Why
from services.events.live.domain.model import ALWAYS, JourneyVersion, Reentry, Schedule
from services.events.live.domain.reading import Reading
from services.events.live.domain.run import Run
from services.events.live.domain.runs import Runs
from services.events.live.domain.shelf import latest
from services.events.live.domain.state import EMPTY, HistoryState
from services.events.live.domain.status import Status
from services.events.timeline.domain import Event, Microseconds


def fold(schedule: Schedule, events: Sequence[Event], now: Microseconds) -> Folded:
    """The instances of one customer in one journey.

    The events are all of the customer's, of this journey or not, and sorted by `key`; the caller sees to both.
    The clock is the later of `now` and the last event.
    """
    history = History(schedule)
    for event in events:
        history.add(event)
    return Folded(history.until(now), history.untaken)


class History:
    """One customer's history in one journey, read event by event.

    It can be resumed from the state behind any event, with the events after it. What that costs does not depend on
    how long the history is.
    """

    __slots__ = ("_in_force", "_in_force_until", "_last_event_at", "_readings", "_runs", "_schedule", "untaken")

    def __init__(self, schedule: Schedule, state: HistoryState = EMPTY, archive: Archive = NOTHING) -> None:
        """The history up to the state. The archive tells of the runs that had been closed by then."""
        # By version number: every version under which a run has started, and the one in force.
        self._readings = {number: Reading(schedule.version(number)) for number in state.versions}
        self._schedule = schedule
        self._runs = Runs(state, archive, self._readings)
        self._last_event_at = self._in_force_until = ALWAYS
        self._in_force: Reading | None = None
        self.untaken: list[Untaken] = []  # in history order, since the history was resumed

    @property
    def open_runs(self) -> int:
        """How many runs `state` would hold."""
        self._runs.close_silent(self._last_event_at)
        return len(self._runs.everything.open)

    def state(self) -> HistoryState:
        """Where the history stands behind its last event."""
        self._runs.close_silent(self._last_event_at)
        return self._runs.state()

    def until(self, clock: Microseconds) -> list[Instance]:
        """The runs that were open when the history was resumed or have started or changed since, in order of run.

        They are as silence up to the clock, or the last event if that is later, shows them; which does not keep the
        history from going on with an earlier event.
        """
        clock = max(clock, self._last_event_at)
        return [run.instance(clock) for run in self._runs.told]

    def add(self, event: Event) -> None:
        """Read the next event: it goes to an instance, starts a run, or neither."""
        at = self._last_event_at = event.occurred_at
        if at >= self._in_force_until:
            self._turn_to(at)
        in_force = self._in_force
        belongs = False
        for reading in self._readings.values():
            if reading.recognise(event):
                belongs = True
        if in_force is None or not belongs:
            return
        for reading in self._readings.values():
            if reading.key_of is not None:
                reading.key = reading.key_of(event)
        self._runs.close_silent(at)

        run = self._named()
        if run is not None and not run.takes():
            self._leave(event, Why.KEY_TAKEN)
        elif run := run or self._latest_taker():
            self._runs.give(run, event)
        elif in_force.recognition.belongs:
            self._start(in_force, event)
        elif any(run.reading.recognition.belongs for run in self._runs.everything.open.values()):
            self._leave(event, Why.UNRECOGNISED)

    def _turn_to(self, at: Microseconds) -> None:
        """Have the version in force at the moment, which is not before the last one."""
        self._in_force_until = self._schedule.changes_after(at)
        version = self._schedule.in_force(at)
        if version is None:
            return
        former = self._in_force
        if former is not None and not self._runs.has_of(former.version.number):
            del self._readings[former.version.number]  # whoever resumes here does not know that it was in force
        reading = self._readings.get(version.number)
        if reading is None:
            reading = self._readings[version.number] = Reading(version)
        self._in_force = reading

    def _named(self) -> Run | None:
        """The instance that the event's key names, whether it takes the event or not (rules 1 and 3)."""
        still_open = returned = cancelled = None
        for reading in self._readings.values():
            if reading.key is None:
                continue
            run = self._runs.open_with(reading.key)
            if run is not None and run.reading is reading:
                still_open = run
            if reading.recognition.returns:
                returned = _later(returned, self._completed(reading, reading.key))
        if returned or still_open:
            return returned or still_open
        for reading in self._readings.values():
            if reading.key is not None and reading.recognition.cancels:
                cancelled = _later(cancelled, self._completed(reading, reading.key))
        return cancelled

    def _completed(self, reading: Reading, key: str) -> Run | None:
        """The latest completed instance of the reading's version with that key."""
        run = self._runs.open_with(key)
        if run is not None and run.reading is reading and run.status is Status.COMPLETED:
            return run  # those at rest had been closed before the key came to this one
        return latest(self._runs.completed_with(key), lambda run: run.reading is reading)

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
        ending = [reading for reading in self._readings.values() if self._reaches_further(reading)]
        keyless = all(reading.key is not None for reading in ending)
        run = None
        if any(reading.recognition.returns for reading in ending):
            run = self._runs.latest_completed(self._returns, keyless=keyless)
        run = run or latest(shelf.open, self._takes)
        if run is None and any(reading.recognition.cancels for reading in ending):
            run = self._runs.latest_completed(self._cancels, keyless=keyless)
        return run

    def _reaches_further(self, reading: Reading) -> bool:
        """Whether the event may end instances of the version that it does not name; its key would be a new one."""
        return reading.recognition.ends and (reading.key is None or not self._runs.is_used(reading.key))

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
        # An earlier run may have the key. A cancellation or return is about that one, even if it has ended.
        if run.reading.recognition.ends or run.reading.version.reentry is Reentry.NEVER:
            return not self._runs.is_used(key)
        return self._runs.open_with(key) is None

    def _start(self, reading: Reading, event: Event) -> None:
        """Start a run with an event that no instance takes, if the version in force lets it."""
        version, recognition = reading.version, reading.recognition
        if recognition.ends:
            known = reading.key is not None and self._runs.is_used(reading.key)
            self._leave(event, Why.KEY_ENDED if known else Why.NOTHING_TO_END)
        elif self._runs.open_with(reading.key) is not None:
            self._leave(event, Why.KEY_TAKEN)
        elif recognition.first is None:
            self._leave(event, Why.NO_TOUCHPOINT)
        elif version.starts_when is not None and not version.starts_when.matches(event):
            self._leave(event, Why.NOT_A_START)
        elif not self._may_reenter(version, reading.key):
            self._leave(event, Why.REENTRY)
        else:
            self._runs.start(reading, event, recognition.first)

    def _may_reenter(self, version: JourneyVersion, key: str | None) -> bool:
        if version.reentry is Reentry.NEVER:
            return not self._runs.is_used(key)
        if version.reentry is Reentry.AFTER_END:
            return all(run.status is Status.COMPLETED for run in self._runs.everything.open.values())
        return True

    def _leave(self, event: Event, why: Why) -> None:
        self.untaken.append(Untaken(event, why))


def _later(one: Run | None, other: Run | None) -> Run | None:
    """Of two runs, the one whose last event is later, then the one that started later."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda run: (run.last_event_at, run.place))
