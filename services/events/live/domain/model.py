"""A published journey as the fold reads it: one version, and the schedule of all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from infra.rules import Rule
from services.events.live.domain.keys import KeyReader
from services.events.live.domain.map import Phase
from services.events.live.domain.recognise import Recogniser, RuleSet
from services.events.timeline.domain import Event, Microseconds

ALWAYS, NEVER = -(1 << 63), 1 << 63
"""An `effective_from` before every event, and a moment after all of them."""


class Reentry(StrEnum):
    """When a customer who has been on the journey may start another run."""

    ALWAYS = "ALWAYS"
    AFTER_END = "AFTER_END"  # no active or paused instance, whatever its key
    NEVER = "NEVER"  # no earlier run with the same key; no key counts as one key


@dataclass(eq=False, slots=True, frozen=True)
class JourneyVersion:
    """One published version. Versions are compared by identity; `number` tells them apart within a journey."""

    number: int
    effective_from: Microseconds
    phases: tuple[Phase, ...]
    recogniser: Recogniser
    starts_when: Rule | None  # None: every event with a touchpoint may start a run
    key_of: KeyReader | None  # None: instances have no keys
    pause_patience: Microseconds
    reentry: Reentry
    drop_off_rules: RuleSet
    drop_off_reasons: tuple[str, ...]  # by the place of the rule in `drop_off_rules`

    def phase(self, key: str) -> Phase:
        """Raises KeyError for a key that no phase has."""
        for phase in self.phases:
            if phase.key == key:
                return phase
        raise KeyError(key)

    def drop_off_reason(self, event: Event) -> str | None:
        """The reason of the first drop-off rule, in list order, that matches the event."""
        place = self.drop_off_place(event)
        return None if place is None else self.drop_off_reasons[place]

    def drop_off_place(self, event: Event) -> int | None:
        """The place of that rule in the list."""
        found = self.drop_off_rules.matching(event)
        first = found & -found
        return first.bit_length() - 1 if found else None


class Model(NamedTuple):
    """A version as it was published, and as the fold reads it."""

    document: Mapping[str, Any]
    version: JourneyVersion


class Schedule:
    """All published versions of one journey, and which of them is in force when."""

    __slots__ = ("_moments", "_winners", "journey_key", "versions")

    def __init__(self, journey_key: str, versions: Sequence[JourneyVersion]) -> None:
        self.journey_key = journey_key
        self.versions = tuple(sorted(versions, key=lambda version: version.number))
        self._moments: list[Microseconds] = []
        self._winners: list[JourneyVersion] = []
        for version in sorted(self.versions, key=lambda version: version.effective_from):
            last_published = max((version, *self._winners[-1:]), key=lambda other: other.number)
            self._moments.append(version.effective_from)
            self._winners.append(last_published)

    def version(self, number: int) -> JourneyVersion:
        """Raises KeyError for a number that no version has."""
        for version in self.versions:
            if version.number == number:
                return version
        raise KeyError(number)

    def in_force(self, at: Microseconds) -> JourneyVersion | None:
        """Of the versions whose `effective_from` is at or before the moment, the one published last."""
        place = bisect_right(self._moments, at)
        return self._winners[place - 1] if place else None

    def changes_after(self, at: Microseconds) -> Microseconds:
        """Until when what is in force at the moment stays in force."""
        place = bisect_right(self._moments, at)
        return self._moments[place] if place < len(self._moments) else NEVER
