"""The runs of one customer in one journey so far, arranged for the questions that the next event asks."""

from __future__ import annotations

from collections.abc import Sequence

from services.events.live.domain.instance import Status
from services.events.live.domain.run import Run
from services.events.timeline.domain import Microseconds

_NEVER = 1 << 63  # after every moment


class Runs:
    """All runs, the open ones, the completed ones, and which of them a key names.

    `open` and `completed` are in order of last event, the latest last, so that a look from the back finds the run
    that an event goes to without asking all others.
    """

    __slots__ = ("_earliest_deadline", "_keyless", "_named", "all", "completed", "open")

    def __init__(self) -> None:
        self.all: list[Run] = []
        self.open: dict[int, Run] = {}  # by number
        self.completed: dict[int, Run] = {}  # by number; those in aftercare are in `open` as well
        self._named: dict[str, list[Run]] = {}  # by key; an empty list: all runs with that key have ended
        self._keyless = 0  # runs without a key, ended ones included
        self._earliest_deadline = _NEVER  # of an open run, or a moment before it

    def close_silent(self, until: Microseconds) -> None:
        """Close every open run whose deadline is at or before the moment."""
        if until < self._earliest_deadline:
            return
        self._earliest_deadline = _NEVER
        for run in list(self.open.values()):
            if run.deadline <= until:
                run.close()
                del self.open[run.number]
                self._unname_if_ended(run)
            else:
                self._earliest_deadline = min(self._earliest_deadline, run.deadline)

    def started(self, run: Run) -> None:
        """Enter a run that has just begun."""
        self.all.append(run)
        if run.key is None:
            self._keyless += 1
        else:
            self._named.setdefault(run.key, []).append(run)
        self.moved(run)

    def adopt(self, run: Run, key: str) -> None:
        """Give the key to a run that has none."""
        run.key = key
        self._keyless -= 1
        self._named.setdefault(key, []).append(run)

    def moved(self, run: Run) -> None:
        """Arrange a run anew after an event that it took."""
        self.open.pop(run.number, None)
        self.completed.pop(run.number, None)
        if run.is_open:
            self.open[run.number] = run
            self._earliest_deadline = min(self._earliest_deadline, run.deadline)
        if run.status is Status.COMPLETED:
            self.completed[run.number] = run
        self._unname_if_ended(run)

    def is_used(self, key: str | None) -> bool:
        """Whether some run has that key, ended ones included; None asks for a run without a key."""
        return self._keyless > 0 if key is None else key in self._named

    def named(self, key: str | None) -> Sequence[Run]:
        """The open and the completed runs with that key: at most one of them is open."""
        return () if key is None else self._named.get(key, ())

    def open_with(self, key: str | None) -> Run | None:
        """The open run with that key."""
        return next((run for run in self.named(key) if run.is_open), None)

    def _unname_if_ended(self, run: Run) -> None:
        if run.key is not None and not run.is_open and run.status is not Status.COMPLETED:
            self._named[run.key].remove(run)
