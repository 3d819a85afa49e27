"""What one event is to one journey version: its touchpoints, and whether it ends, pauses, resumes or completes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from infra.rules import Rule
from services.events.live.domain.map import Phase, Touchpoint, nearest
from services.events.timeline.domain import Event

_KNOWN_LIMIT = 4096  # sets of rules that were seen to match together; a map has a few dozen of them


class RuleSet:
    """Rules that are asked together: each distinct text at most once an event, and only if the event's name allows."""

    __slots__ = ("_by_name", "_of_any_name")

    def __init__(self, rules: Sequence[Rule | None]) -> None:
        distinct: dict[str, tuple[Rule, int]] = {}
        for place, rule in enumerate(rules):
            if rule is not None:
                _, places = distinct.get(rule.text, (rule, 0))
                distinct[rule.text] = (rule, places | 1 << place)
        self._of_any_name = _asked(distinct, None)
        names = frozenset[str]().union(*(rule.names for rule, _ in distinct.values() if rule.names is not None))
        self._by_name = {name: _asked(distinct, name) for name in names}

    def matching(self, event: Event) -> int:
        """The places of the rules that match, as a bit set: bit 0 for the first rule."""
        found = 0
        for matches, places in self._by_name.get(event.name, self._of_any_name):
            if matches(event):
                found |= places
        return found


def _asked(distinct: dict[str, tuple[Rule, int]], name: str | None) -> tuple[tuple[Callable[[Event], bool], int], ...]:
    """The rules that can match an event of that name; of a name that no rule mentions, if it is None."""
    return tuple(
        (rule.matches, places) for rule, places in distinct.values() if rule.names is None or name in rule.names
    )


class Recognition(NamedTuple):
    """What an event is to a journey version. One value is shared by all events that the same rules match."""

    belongs: bool
    first: Touchpoint | None  # where a run would start: in the earliest phase, then in map order
    nearest: tuple[Touchpoint | None, ...]  # by the index of the phase that an instance is in; None: off the map
    cancels: bool
    returns: bool  # and does not cancel: an event that matches both rules counts as cancelled
    ends: bool  # cancels or returns
    goal: bool
    pauses: bool
    resumes: bool


class Recogniser:
    """The rules of one journey version that decide which events belong to it, and as what."""

    __slots__ = ("_known", "_phases", "_rules", "_touchpoints", "can_end")

    def __init__(
        self,
        phases: Sequence[Phase],
        *,
        cancelled_when: Rule | None,
        returned_when: Rule | None,
        goal: Rule | None,
        paused_when: Rule | None,
        resumed_when: Rule | None,
        scope: Rule | None,
    ) -> None:
        self._phases = tuple(phases)
        self._touchpoints = tuple(touchpoint for phase in phases for touchpoint in phase.touchpoints)
        recognised_by = [touchpoint.recognised_by for touchpoint in self._touchpoints]
        # _interpret knows this order.
        self._rules = RuleSet([*recognised_by, cancelled_when, returned_when, goal, paused_when, resumed_when, scope])
        self._known: dict[int, Recognition] = {}
        self.can_end = cancelled_when is not None or returned_when is not None
        """Whether some event may cancel or return a run: only then does one at rest ever take another event."""

    def recognise(self, event: Event) -> Recognition:
        """What the event is to the journey."""
        found = self._rules.matching(event)
        return self._known.get(found) or self._interpret(found)

    def _interpret(self, found: int) -> Recognition:
        touchpoints = [touchpoint for place, touchpoint in enumerate(self._touchpoints) if found >> place & 1]
        # What is left over is `scope`: it makes an event belong, and nothing else.
        cancels, returns, goal, pauses, resumes = (
            bool(found >> len(self._touchpoints) + place & 1) for place in range(5)
        )
        recognition = Recognition(
            belongs=found != 0,
            first=touchpoints[0] if touchpoints else None,
            nearest=tuple(nearest(touchpoints, phase) for phase in self._phases),
            cancels=cancels,
            returns=returns and not cancels,
            ends=cancels or returns,
            goal=goal,
            pauses=pauses,
            resumes=resumes,
        )
        if len(self._known) < _KNOWN_LIMIT:
            self._known[found] = recognition
        return recognition
