"""The runs of one customer in one journey so far, arranged for the questions that the next event asks."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from operator import attrgetter

from services.events.live.domain.archive import NOTHING, Archive
from services.events.live.domain.map import Touchpoint
from services.events.live.domain.model import NEVER
from services.events.live.domain.reading import Reading
from services.events.live.domain.run import Run
from services.events.live.domain.shelf import Shelf, latest
from services.events.live.domain.state import (
    HistoryState,
    RunState,
    add_digests,
    digest_of_ended,
    digest_of_resting,
)
from services.events.live.domain.status import Status
from services.events.timeline.domain import Event, Microseconds

_place = attrgetter("place")


class Runs:
    """Runs on shelves by their keys and on one together, and when silence will close them.

    Open runs are always there, and so are those closed since the history was resumed. Runs that were closed by then
    come out of the archive when they are asked for.
    """

    __slots__ = (
        "_archive",
        "_asked",
        "_by_key",
        "_closed",
        "_deadlines",
        "_digest",
        "_from_archive",
        "_keyless",
        "_keyless_unread",
        "_moved_last",
        "_portions",
        "_readings",
        "_spent",
        "_started",
        "_unread_before",
        "_versions",
        "everything",
        "keyless",
        "told",
    )

    def __init__(self, state: HistoryState, archive: Archive, readings: Mapping[int, Reading]) -> None:
        """The runs of the state; `readings` is by version number and may grow."""
        self.told: list[Run] = []  # open when resumed, started since or changed since, in order of their start
        self.everything = Shelf()
        self.keyless = Shelf()
        self._by_key: dict[str, Shelf] = {}
        self._moved_last: Run | None = None  # it is the last on its shelves already
        self._deadlines: list[tuple[Microseconds, bytes]] = []  # (alarm, place) of open runs, smallest first
        self._readings = readings
        versions, self._started, self._keyless, self._spent, self._digest, open_runs = state
        self._versions = set(versions)
        self._closed: list[Run] = []  # since the digest was brought up to date
        for run_state in open_runs:
            run = Run.resumed(run_state, readings[run_state.version], is_open=True)
            self._tell(run)
            self._moved(run)

        self._archive = archive if state.resting else NOTHING
        self._asked: set[str] = set()  # keys
        self._portions = 0  # of the runs at rest that have been read
        self._unread_before = NEVER if state.resting else None  # the last events of the others; None: there are none
        self._keyless_unread = state.keyless - sum(map(_may_adopt, self.keyless.open.values()))
        self._from_archive: dict[bytes, Run] = {}  # by place

    def open_with(self, key: str | None) -> Run | None:
        """The open run with that key, of which there is at most one; None asks for no run."""
        shelf = None if key is None else self._by_key.get(key)
        if shelf is not None:
            for run in shelf.open.values():
                return run
        return None

    def is_used(self, key: str | None) -> bool:
        """Whether some run has that key, ended ones included; None asks for a run without a key."""
        if key is None:
            return self._spent or self._keyless > 0
        if key not in self._by_key:
            self._look_up(key)
        return key in self._by_key

    def completed_with(self, key: str) -> dict[bytes, Run]:
        """The completed runs with that key, those at rest included."""
        self._look_up(key)
        shelf = self._by_key.get(key)
        return {} if shelf is None else shelf.completed

    def latest_completed(self, suits: Callable[[Run], bool], *, keyless: bool) -> Run | None:
        """`latest` of all completed runs, or of all without a key, those at rest included.

        Of these only as many are read as it takes.
        """
        shelf = self.keyless if keyless else self.everything
        while True:
            run = latest(shelf.completed, suits)
            before = self._unread_before
            if before is None or (keyless and not self._keyless_unread) or (run and run.last_event_at >= before):
                return run
            self._read_portion()

    def has_of(self, version: int) -> bool:
        """Whether a run has started under the version."""
        return version in self._versions

    def start(self, reading: Reading, event: Event, touchpoint: Touchpoint) -> None:
        """Begin a run with the event."""
        self._started += 1
        self._versions.add(reading.version.number)
        run = Run.begun(self._started, reading, event, touchpoint)
        if run.key is None:
            # Without keys the first run settles it. Were it told when runs end, histories would differ until one did.
            if _may_adopt(run):
                self._keyless += 1
            else:
                self._spent = True
        self.told.append(run)
        self._moved(run)

    def give(self, run: Run, event: Event) -> None:
        """Let the run take the event of its reading, and adopt the key if it has none."""
        if not run.is_open:
            run.wake(event)
            if run.place in self._from_archive:
                self._tell(run)
        status, key = run.status, run.reading.key
        adopts = run.key is None and key is not None
        if adopts:
            self.keyless.remove(run)
            self._keyless -= 1
            run.key = key
        run.take(event)
        if run is self._moved_last and run.status is status and not adopts:
            self._expect(run)
        else:
            self._moved(run)

    def close_silent(self, until: Microseconds) -> None:
        """Close every open run whose deadline is at or before the moment."""
        while self._deadlines and self._deadlines[0][0] <= until:
            alarm, place = heappop(self._deadlines)
            run = self.everything.open.get(place)
            if run is None or alarm != run.alarm:
                continue
            if run.deadline > until:
                run.alarm = NEVER
                self._expect(run)
                continue
            run.close()
            for shelf in (self.everything, self._shelf(run)):
                del shelf.open[place]
            self._has_closed(run)

    def state(self) -> HistoryState:
        """Where the runs stand."""
        for run in self._closed:
            digest = _digest(run)
            self._digest = add_digests(self._digest, digest - run.digest)
            run.digest = digest
        self._closed.clear()
        runs = sorted(self.everything.open.values(), key=lambda run: (run.last_event_at, run.place))
        return HistoryState(
            tuple(sorted(self._versions)),
            self._started,
            self._keyless,
            self._spent,
            self._digest,
            tuple(run.state() for run in runs),
        )

    def _moved(self, run: Run) -> None:
        """Arrange a run anew after an event that it took."""
        self.everything.put_last(run)
        self._shelf(run).put_last(run)
        self._moved_last = run
        if run.is_open:
            self._expect(run)
        else:
            self._has_closed(run)

    def _expect(self, run: Run) -> None:
        """Have silence noticed at the deadline. An earlier alarm will do: it is set anew when it goes off."""
        if run.deadline < run.alarm:
            run.alarm = run.deadline
            heappush(self._deadlines, (run.alarm, run.place))

    def _tell(self, run: Run) -> None:
        insort(self.told, run, key=_place)

    def _has_closed(self, run: Run) -> None:
        self._closed.append(run)
        if run.key is None and _may_adopt(run) and not _may_be_ended(run):
            self._keyless -= 1
            self._spent = True

    def _look_up(self, key: str) -> None:
        """Have the closed runs with that key on its shelf."""
        if key in self._asked or self._archive is NOTHING:
            return
        self._asked.add(key)
        archived = self._archive.of_key(key)
        if archived.used:
            runs = [self._revived(state) for state in archived.resting]
            shelf = self._by_key.setdefault(key, Shelf())
            shelf.admit(run for run in runs if run.status is Status.COMPLETED)

    def _read_portion(self) -> None:
        """Have the next runs at rest on the shelves of keyless ones and of all."""
        states, self._unread_before = self._archive.resting(self._portions)
        self._portions += 1
        runs = [self._revived(state) for state in states]
        resting = [run for run in runs if run.status is Status.COMPLETED]  # by now another event may have ended one
        keyless = [run for run in resting if run.key is None]
        self._keyless_unread -= sum(_may_adopt(run) and _may_be_ended(run) for run in keyless)
        self.everything.admit(resting)
        self.keyless.admit(keyless)

    def _revived(self, state: RunState) -> Run:
        """A run out of the archive: always the same one, however it is found."""
        run = self._from_archive.get(state.start.key)
        if run is None:
            run = Run.resumed(state, self._readings[state.version], is_open=False)
            run.digest = _digest(run)
            self._from_archive[state.start.key] = run
        return run

    def _shelf(self, run: Run) -> Shelf:
        if run.key is None:
            return self.keyless
        shelf = self._by_key.get(run.key)
        if shelf is None:
            shelf = self._by_key[run.key] = Shelf()
        return shelf


def _may_adopt(run: Run) -> bool:
    """Whether a run that has no key, while it takes events, may be given one."""
    return run.reading.version.key_of is not None


def _may_be_ended(run: Run) -> bool:
    """Whether an event may still cancel or return the closed run."""
    return run.status is Status.COMPLETED and run.reading.version.recogniser.can_end


def _digest(run: Run) -> int:
    return digest_of_resting(run.state()) if _may_be_ended(run) else digest_of_ended(run.key)
