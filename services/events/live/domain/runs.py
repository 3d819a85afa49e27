"""The runs of one customer in one journey so far, arranged for the questions that the next event asks."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from services.events.live.domain.instance import Status
from services.events.live.domain.run import Run
from services.events.timeline.domain import Microseconds


class Shelf:
    """Runs that an event may go to, in order of their last event, the latest last.

    A look from the back so finds the one that takes the event without asking all others.
    """

    __slots__ = ("completed", "count", "open")

    def __init__(self) -> None:
        self.open: dict[int, Run] = {}  # by number
        self.completed: dict[int, Run] = {}  # by number; those in aftercare are in `open` as well
        self.count = 0  # ended runs too

    def put_last(self, run: Run) -> None:
        """Arrange a run anew after an event that it took."""
        self.open.pop(run.number, None)
        if run.is_open:
            self.open[run.number] = run
        self.completed.pop(run.number, None)
        if run.status is Status.COMPLETED:
            self.completed[run.number] = run

    def remove(self, run: Run) -> None:
        """Forget a run that has been given a key."""
        self.open.pop(run.number, None)
        self.completed.pop(run.number, None)
        self.count -= 1


class Runs:
    """All runs, on shelves by their keys and on one together, and when silence will close them."""

    __slots__ = ("_by_key", "_deadlines", "all", "everything", "keyless")

    def __init__(self) -> None:
        self.all: list[Run] = []
        self.everything = Shelf()
        self.keyless = Shelf()
        self._by_key: dict[str, Shelf] = {}
        # (deadline, run number), smallest first; a later event of the run leaves an entry without meaning.
        self._deadlines: list[tuple[Microseconds, int]] = []

    def with_key(self, key: str) -> Shelf | None:
        """The runs with that key, at most one of them open; None if no run has ever had it."""
        return self._by_key.get(key)

    def is_used(self, key: str | None) -> bool:
        """Whether some run has that key, ended ones included; None asks for a run without a key."""
        return self.keyless.count > 0 if key is None else key in self._by_key

    def is_open(self, key: str | None) -> bool:
        """Whether an open run has that key."""
        shelf = None if key is None else self._by_key.get(key)
        return shelf is not None and bool(shelf.open)

    def started(self, run: Run) -> None:
        """Enter a run that has just begun."""
        self.all.append(run)
        self.everything.count += 1
        self._shelf(run).count += 1
        self.moved(run)

    def adopt(self, run: Run, key: str) -> None:
        """Give the key to a run that has none and that is about to take an event."""
        self.keyless.remove(run)
        run.key = key
        self._shelf(run).count += 1

    def moved(self, run: Run) -> None:
        """Arrange a run anew after an event that it took."""
        self.everything.put_last(run)
        self._shelf(run).put_last(run)
        if run.is_open:
            heappush(self._deadlines, (run.deadline, run.number))

    def close_silent(self, until: Microseconds) -> None:
        """Close every open run whose deadline is at or before the moment."""
        while self._deadlines and self._deadlines[0][0] <= until:
            deadline, number = heappop(self._deadlines)
            run = self.everything.open.get(number)
            if run is not None and run.deadline == deadline:
                run.close()
                for shelf in (self.everything, self._shelf(run)):
                    del shelf.open[number]

    def _shelf(self, run: Run) -> Shelf:
        if run.key is None:
            return self.keyless
        shelf = self._by_key.get(run.key)
        if shelf is None:
            shelf = self._by_key[run.key] = Shelf()
        return shelf


def latest(runs: dict[int, Run], suits: Callable[[Run], bool]) -> Run | None:
    """Of the runs of a shelf that suit, the one whose last event is latest, then the one with the higher number."""
    found: Run | None = None
    for run in reversed(runs.values()):
        if found is not None and run.last_event_at < found.last_event_at:
            break
        if (found is None or run.number > found.number) and suits(run):
            found = run
    return found
