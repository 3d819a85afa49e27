"""What is suspicious about a model: rules that can never matter, touchpoints that are never seen, or that compete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from infra.chassis.errors import Flaw
from infra.rules import Rule
from infra.rules.cases import Study
from infra.rules.examples import find_example
from services.journeys.domain.measures import unclear_measures
from services.journeys.domain.model import Model, Path
from services.journeys.domain.relations import Relations

GOAL_UNREACHABLE = "GOAL_UNREACHABLE"
_BELONGING = ("goal", "cancelledWhen", "returnedWhen", "pausedWhen", "resumedWhen", "scope")
_CONTRADICTION = "No event can match this rule: it contradicts itself."


def suspicions(model: Model, rules: Mapping[Path, Rule]) -> Iterator[Flaw]:
    """Everything suspicious about a model without flaws; its rules by their path."""
    studies = {path: Study(rule) for path, rule in rules.items()}
    relations = Relations(model, studies)
    yield from _empty_phases(model)
    yield from _touchpoints(relations)
    yield from _goal(model, studies)
    if ("startsWhen",) in studies and not relations.can_start:
        message = "No touchpoint can match what startsWhen asks for: no run starts."
        yield Flaw("RULE_NEVER_MATCHES", message, ("startsWhen",))
    yield from _futile_rules(model, studies)
    yield from unclear_measures(model)


def _empty_phases(model: Model) -> Iterator[Flaw]:
    for number, phase in enumerate(model.phases):
        if not phase.touchpoints:
            message = f"The phase {phase.key!r} has no touchpoints, so no customer is ever seen in it."
            yield Flaw("PHASE_WITHOUT_TOUCHPOINTS", message, ("phases", str(number), "touchpoints"))


def _touchpoints(relations: Relations) -> Iterator[Flaw]:
    for one in relations.contradictory:
        yield Flaw("TOUCHPOINT_UNREACHABLE", _CONTRADICTION, one.path)
    told = set()
    for one, hider in relations.unreachable():
        told.add(one.path)
        message = f"No step can have this touchpoint: {hider.key!r} matches whatever it matches, and is chosen first."
        yield Flaw("TOUCHPOINT_UNREACHABLE", message, one.path)
    for overlap in relations.overlaps:
        earlier, later = overlap.earlier, overlap.later
        if later.path in told or earlier.path in told:
            continue
        told.add(later.path)  # one example is enough to look at
        if overlap.example is None:
            message = f"The touchpoint {earlier.key!r} has the same rule; where the customer is decides between them."
            yield Flaw("SAME_RULE", message, later.path)
        else:
            example = msgspec.json.encode(overlap.example.as_json()).decode()
            message = (
                f"The touchpoint {earlier.key!r} recognises some of the same events, such as {example}; where the "
                "customer is decides between them."
            )
            yield Flaw("OVERLAPPING_RULES", message, later.path)


def _goal(model: Model, studies: Mapping[Path, Study]) -> Iterator[Flaw]:
    goal, cancelled = studies.get(("goal",)), studies.get(("cancelledWhen",))
    if goal is None:
        return
    if find_example([goal]).impossible:
        yield Flaw(GOAL_UNREACHABLE, _CONTRADICTION, ("goal",))
    elif cancelled is not None and find_example([goal], [cancelled]).impossible:
        message = "Every event that matches the goal matches cancelledWhen too, which comes first: nobody completes."
        yield Flaw(GOAL_UNREACHABLE, message, ("goal",))
    else:
        shown = [studies[*path, "recognisedBy"] for path, _ in model.touchpoints()]
        shown += [studies[field,] for field in ("scope",) if (field,) in studies]
        if shown and _disjoint(goal.rule.names, _names(study.rule for study in shown)):
            message = (
                "No touchpoint and no `scope` can match what the goal asks for, so the map does not show how it is "
                "reached; is the event's name spelled as it is sent?"
            )
            yield Flaw("GOAL_OFF_MAP", message, ("goal",))


def _futile_rules(model: Model, studies: Mapping[Path, Study]) -> Iterator[Flaw]:
    """Other rules that can never matter; drop-off rules see events that belong to the journey, and no others."""
    touchpoints = _names(studies[*path, "recognisedBy"].rule for path, _ in model.touchpoints())
    of_journey = _names(studies[field,].rule for field in _BELONGING if (field,) in studies)
    belonging = None if touchpoints is None or of_journey is None else touchpoints | of_journey
    for path, study in studies.items():
        if path[0] in ("phases", "goal", "startsWhen"):
            continue
        if find_example([study]).impossible:
            yield Flaw("RULE_NEVER_MATCHES", _CONTRADICTION, path)
        elif path[0] == "dropOffReasons" and _disjoint(study.rule.names, belonging):
            message = "No event that belongs to this journey can match; let a touchpoint or `scope` match it too."
            yield Flaw("RULE_NEVER_MATCHES", message, path)


def _names(rules: Iterable[Rule]) -> frozenset[str] | None:
    """The event names that any of the rules can match; None when one of them can match every name."""
    found: frozenset[str] = frozenset()
    for rule in rules:
        if rule.names is None:
            return None
        found |= rule.names
    return found


def _disjoint(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is not None and other is not None and one.isdisjoint(other)
