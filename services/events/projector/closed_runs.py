"""The runs of a customer that are closed already: looked up only when an event may concern one of them.

A fold asks for what it has not been given, is told that there is nothing, and is made again with what it asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.events.live.domain.archive import Archived
from services.events.live.domain.state import RunState
from services.events.live.rows import InstanceRow
from services.events.timeline.domain import BEGINNING

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RunState).decode


def write_resting(run: RunState) -> bytes:
    """A run at rest as its instance keeps it; its number stands in a column."""
    return _encode(run._replace(number=0))


def resting_of(row: InstanceRow) -> RunState | None:
    """The run as it stood when it rested."""
    return None if row.resting is None else _decode(row.resting)._replace(number=row.run)


class ClosedRuns:
    """Of one customer and build, the runs that were closed at a place of the history; satisfies live.domain.Archive."""

    def __init__(self, place: bytes, open_runs: Iterable[str]) -> None:
        """`open_runs` are those open at the place, by the ids of their start events."""
        self._place = place
        self._open = frozenset(open_runs)
        self._by_key: dict[str, Archived] = {}
        self._resting: list[RunState] | None = [] if place == BEGINNING else None
        self.rows: dict[str, InstanceRow] = {}
        """What is stored of them, by start event."""
        self.wanted_keys: set[str] = set()
        self.wants_resting = False
        self.gave = False
        """Whether the last fold asked for something that it was then given."""

    @property
    def wants(self) -> bool:
        """Whether something was asked for that has not been given."""
        return bool(self.wanted_keys) or self.wants_resting

    def of_key(self, key: str) -> Archived:
        known = self._by_key.get(key)
        if known is None:
            known = self._by_key[key] = Archived(used=False, resting=())
            if self._place != BEGINNING:
                self.wanted_keys.add(key)
        return known

    def resting(self) -> list[RunState]:
        if self._resting is None:
            self.wants_resting = True
            return []
        return self._resting

    def give_key(self, key: str, rows: Iterable[InstanceRow]) -> None:
        """`rows` are the instances that have the key now."""
        closed = [(row, self._at_place(row)) for row in rows if self._was_closed(row)]
        runs = [run for row, run in closed if run is not None and run.key == key]
        ended = any(run is None and row.key == key for row, run in closed)
        self._by_key[key] = Archived(used=ended or bool(runs), resting=runs)
        self.wanted_keys.discard(key)
        self.rows |= {row.start_event: row for row, _run in closed}

    def give_resting(self, rows: Iterable[InstanceRow]) -> None:
        """`rows` are all instances that have rested."""
        closed = [(row, self._at_place(row)) for row in rows if self._was_closed(row)]
        self._resting = [run for _row, run in closed if run is not None]
        self.wants_resting = False
        self.rows |= {row.start_event: row for row, _run in closed}

    def _was_closed(self, row: InstanceRow) -> bool:
        return row.start_key <= self._place and row.start_event not in self._open

    def _at_place(self, row: InstanceRow) -> RunState | None:
        """The run at rest, if that is how it stood at the place; None if it had ended."""
        if row.end_key is not None and row.end_key <= self._place:
            return None
        return resting_of(row)
