"""What the touchpoints of a map are to each other: which of them an event can match together, which one hides another.

Found by building events (`infra.rules.examples`), so what is said is certain; where nothing is found nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.rules import Rule
from infra.rules.examples import UNKNOWN, Answer, Example, Inquiry
from services.journeys.domain.model import Model, Path


@dataclass(frozen=True, slots=True)
class Placed:
    """A touchpoint in its place on the map."""

    key: str
    phase: int
    path: Path
    rule: Rule


@dataclass(frozen=True, slots=True)
class Overlap:
    """`example`: an event that both recognise; None where their rules are the same and no event is needed to see it."""

    earlier: Placed
    later: Placed
    example: Example | None


class Relations:
    """Asked in map order, so that the same journey always gets the same answers."""

    def __init__(self, model: Model, rules: Mapping[Path, Rule], inquiry: Inquiry) -> None:
        self._ask = inquiry.find_example
        self._starts, self._ends = _starting(rules)
        placed = [
            Placed(touchpoint.key, int(path[1]), (*path, "recognisedBy"), rules[*path, "recognisedBy"])
            for path, touchpoint in model.touchpoints()
        ]
        self.contradictory = [one for one in placed if self._ask([one.rule]).impossible]
        self._possible = [one for one in placed if one not in self.contradictory]
        self.overlaps = list(self._find_overlaps())
        self._hiders = self._find_hiders()
        self.can_start = any(self._can_be_chosen(one, None) for one in self._possible)

    def unreachable(self) -> list[tuple[Placed, Placed]]:
        """Touchpoints that no step can ever have, each with one that is always chosen in its place."""
        reached: set[Path] = set()
        phases: list[int | None] = [None]
        for phase in phases:  # grows while new phases are reached
            for one in self._possible:
                if one.path not in reached and self._can_be_chosen(one, phase):
                    reached.add(one.path)
                    if one.phase not in phases:
                        phases.append(one.phase)
        return [(one, self._hiders[one.path][0]) for one in self._possible if self._is_hidden(one, reached)]

    def _is_hidden(self, one: Placed, reached: set[Path]) -> bool:
        return one.path not in reached and bool(self._hiders.get(one.path)) and bool(reached)

    def _can_be_chosen(self, one: Placed, phase: int | None) -> bool:
        """Whether an event may choose it for an instance in that phase, or (None) start a run with it."""
        if phase is None and self._ask([one.rule, *self._starts], self._ends).impossible:
            return False
        return all(_order(one, phase) < _order(hider, phase) for hider in self._hiders.get(one.path, ()))

    def _find_overlaps(self) -> Iterator[Overlap]:
        for number, later in enumerate(self._possible):
            for earlier in self._possible[:number]:
                same = earlier.rule.text.strip() == later.rule.text.strip()
                found = None if same else self._together(earlier, later).example
                if same or found is not None:
                    yield Overlap(earlier, later, found)

    def _find_hiders(self) -> dict[Path, list[Placed]]:
        """By touchpoint: those that match whatever it matches."""
        hiders: dict[Path, list[Placed]] = {}
        for overlap in self.overlaps:
            for one, other in ((overlap.later, overlap.earlier), (overlap.earlier, overlap.later)):
                if overlap.example is None or self._ask([one.rule], [other.rule]).impossible:
                    hiders.setdefault(one.path, []).append(other)
        return hiders

    def _together(self, one: Placed, other: Placed) -> Answer:
        names, others = one.rule.names, other.rule.names
        if names is not None and others is not None and names.isdisjoint(others):
            return UNKNOWN
        return self._ask([one.rule, other.rule])


def _starting(rules: Mapping[Path, Rule]) -> tuple[list[Rule], list[Rule]]:
    """What the event that starts a run must match, and what it must not."""
    must = [rules[field,] for field in ("startsWhen",) if (field,) in rules]
    must_not = [rules[field,] for field in ("cancelledWhen", "returnedWhen") if (field,) in rules]
    return must, must_not


def _order(one: Placed, phase: int | None) -> tuple[int, int, int]:
    """Of the touchpoints that match, the least is chosen: the phase itself, the nearest later, the nearest earlier."""
    place = int(one.path[3])
    if phase is None:
        return (0, one.phase, place)
    return (int(one.phase < phase), abs(one.phase - phase), place)
