"""Closed runs from before the place where a history is resumed: looked up only when an event may concern them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.events.live.domain.state import RunState


class Archived(NamedTuple):
    """The closed runs that had some key."""

    used: bool  # whether there were any
    resting: Sequence[RunState]  # those of them that are at rest, in any order


class Archive(Protocol):
    """Answers as of the place where the history is resumed, whatever happened to a run later.

    Each question is asked at most once. Who has to look an answer up may note the question, answer as NOTHING does,
    discard that fold, and fold again. Numbers of runs mean nothing to the fold; it hands them back as they are.
    """

    def of_key(self, key: str) -> Archived:
        """The closed runs that had the key."""

    def resting(self) -> Sequence[RunState]:
        """All runs at rest, in any order: completed and closed, neither cancelled nor returned."""


class _Nothing:
    """No run had been closed."""

    def of_key(self, key: str) -> Archived:
        return Archived(False, ())

    def resting(self) -> Sequence[RunState]:
        return ()


NOTHING: Archive = _Nothing()
