"""Closed runs from before the place where a history is resumed: looked up only when an event may concern them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.events.live.domain.state import RunState
from services.events.timeline.domain import Microseconds


class Archived(NamedTuple):
    """The closed runs that had some key."""

    used: bool  # whether there were any
    resting: Sequence[RunState]  # those of them that are at rest, in any order


class Portion(NamedTuple):
    """Some of all runs at rest."""

    resting: Sequence[RunState]  # in any order
    others_before: Microseconds | None  # those of later portions have their last events before; None: there are none


class Archive(Protocol):
    """Answers as of the place where the history is resumed, whatever happened to a run later.

    Each question is asked at most once. Who has to look an answer up may note the question, answer as NOTHING does,
    discard that fold, and fold again. Numbers of runs mean nothing to the fold; it hands them back as they are.
    """

    def of_key(self, key: str) -> Archived:
        """The closed runs that had the key."""

    def resting(self, portion: int) -> Portion:
        """The runs at rest: completed and closed, neither cancelled nor returned. Portions are asked for from 0 on."""


class _Nothing:
    """No run had been closed."""

    def of_key(self, key: str) -> Archived:
        return Archived(False, ())

    def resting(self, portion: int) -> Portion:
        return Portion((), None)


NOTHING: Archive = _Nothing()
