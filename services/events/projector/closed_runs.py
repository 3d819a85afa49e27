"""The runs of a customer that are closed already: looked up only when an event may concern one of them.

A fold asks for what it has not been given, is told that there is nothing, and is made again with what it asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from services.events.live.domain.archive import Archived, Portion
from services.events.live.domain.state import RunState
from services.events.live.rows import InstanceRow
from services.events.timeline.domain import BEGINNING, Microseconds, occurred_at_of

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RunState).decode
_FIRST_PORTION, _FURTHER = 16, 4
"""How many runs at rest are looked up first, and how many times as many next: each time the fold is made again."""


def write_resting(run: RunState) -> bytes:
    """A run at rest as its instance keeps it; its number stands in a column."""
    return _encode(run._replace(number=0))


def resting_of(row: InstanceRow) -> RunState | None:
    """The run as it stood when it rested."""
    return None if row.resting is None else _decode(row.resting)._replace(number=row.run)


class Wanted(NamedTuple):
    """A portion of the runs at rest that was asked for and is not given yet."""

    before: Microseconds
    """When the last events of its runs were,"""
    number: int
    """and how many of them there should be."""
    is_first: bool


class ClosedRuns:
    """Of one customer and build, the runs that were closed at a place of the history; satisfies live.domain.Archive."""

    def __init__(self, place: bytes, open_runs: Iterable[str]) -> None:
        """`open_runs` are those open at the place, by the ids of their start events."""
        self.place = place
        self._open = frozenset(open_runs)
        self._by_key: dict[str, Archived] = {}
        # Nothing needs to be looked up to know that none of them had an event behind the place.
        self._portions = [Portion((), None if place == BEGINNING else occurred_at_of(place) + 1)]
        self.rows: dict[str, InstanceRow] = {}
        """What is stored of them, by start event."""
        self.wanted_keys: set[str] = set()
        self.wanted_portion: Wanted | None = None
        self.gave = False
        """Whether the last fold asked for something that it was then given."""

    @property
    def wants(self) -> bool:
        """Whether something was asked for that has not been given."""
        return bool(self.wanted_keys) or self.wanted_portion is not None

    def of_key(self, key: str) -> Archived:
        known = self._by_key.get(key)
        if known is None:
            known = self._by_key[key] = Archived(used=False, resting=())
            if self.place != BEGINNING:
                self.wanted_keys.add(key)
        return known

    def resting(self, portion: int) -> Portion:
        if portion < len(self._portions):
            return self._portions[portion]
        before = self._portions[-1].others_before
        if before is not None:
            looked_up = len(self._portions) - 1
            self.wanted_portion = Wanted(before, _FIRST_PORTION * _FURTHER**looked_up, is_first=not looked_up)
        return Portion((), None)

    def give_key(self, key: str, rows: Iterable[InstanceRow]) -> None:
        """`rows` are the instances that have the key now."""
        closed = [(row, self._at_place(row)) for row in rows if self._was_closed(row)]
        runs = [run for row, run in closed if run is not None and run.key == key]
        ended = any(run is None and row.key == key for row, run in closed)
        self._by_key[key] = Archived(used=ended or bool(runs), resting=runs)
        self.wanted_keys.discard(key)
        self.rows |= {row.start_event: row for row, _run in closed}

    def give_portion(self, rows: Iterable[InstanceRow], others_before: Microseconds | None) -> None:
        """`rows` are its instances at rest; for the first portion, too, all that were ended behind the place."""
        closed = [(row, self._at_place(row)) for row in rows if self._was_closed(row)]
        self._portions.append(Portion([run for _row, run in closed if run is not None], others_before))
        self.wanted_portion = None
        self.rows |= {row.start_event: row for row, _run in closed}

    def _was_closed(self, row: InstanceRow) -> bool:
        return row.start_key <= self.place and row.start_event not in self._open

    def _at_place(self, row: InstanceRow) -> RunState | None:
        """The run at rest, if that is how it stood at the place; None if it had ended."""
        if row.end_key is not None and row.end_key <= self.place:
            return None
        return resting_of(row)
