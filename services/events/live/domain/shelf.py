"""Runs that an event may go to, arranged so that the one that moved last is found without asking all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.events.live.domain.run import Run
from services.events.live.domain.status import Status


class Shelf:
    """Runs by the history key of their start, in order of their last event, the latest last."""

    __slots__ = ("completed", "open")

    def __init__(self) -> None:
        self.open: dict[bytes, Run] = {}
        self.completed: dict[bytes, Run] = {}  # those in aftercare, which are in `open` as well, and those at rest

    def put_last(self, run: Run) -> None:
        """Arrange a run anew after an event that it took."""
        key = run.place
        self.open.pop(key, None)
        if run.is_open:
            self.open[key] = run
        self.completed.pop(key, None)
        if run.status is Status.COMPLETED:
            self.completed[key] = run

    def remove(self, run: Run) -> None:
        """Forget a run that has been given a key."""
        self.open.pop(run.place, None)
        self.completed.pop(run.place, None)

    def admit(self, resting: Iterable[Run]) -> None:
        """Add runs at rest, wherever their last events put them."""
        runs = sorted([*self.completed.values(), *resting], key=lambda run: run.last_event_at)
        self.completed = {run.place: run for run in runs}


def latest(runs: dict[bytes, Run], suits: Callable[[Run], bool]) -> Run | None:
    """Of the runs of a shelf that suit, the one whose last event is latest, then the one that started later."""
    found: Run | None = None
    for run in reversed(runs.values()):
        if found is not None and run.last_event_at < found.last_event_at:
            break
        if (found is None or run.place > found.place) and suits(run):
            found = run
    return found
