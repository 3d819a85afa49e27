"""What is suspicious about a model: rules that can never matter, touchpoints that are never seen, or that compete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from infra.chassis.errors import Flaw
from infra.rules import Rule
from infra.rules.examples import Inquiry
from services.journeys.domain.measures import unclear_measures
from services.journeys.domain.model import Model, Path
from services.journeys.domain.relations import Relations

GOAL_UNREACHABLE = "GOAL_UNREACHABLE"
_BELONGING = ("goal", "cancelledWhen", "returnedWhen", "pausedWhen", "resumedWhen", "scope")
_CONTRADICTION = "No event can match this rule: it contradicts itself."


def suspicions(model: Model, rules: Mapping[Path, Rule]) -> Iterator[Flaw]:
    """Everything suspicious about a model without flaws; its rules by their path."""
    inquiry = Inquiry()
    single = [*_goal(model, rules, inquiry), *_futile_rules(model, rules, inquiry)]
    relations = Relations(model, rules, inquiry)  # last, as it can use up all the work that there is
    yield from _empty_phases(model)
    yield from _touchpoints(relations)
    if ("startsWhen",) in rules and not relations.can_start:
        message = "No touchpoint can match what startsWhen asks for: no run starts."
        yield Flaw("RULE_NEVER_MATCHES", message, ("startsWhen",))
    yield from single
    yield from unclear_measures(model)


def _empty_phases(model: Model) -> Iterator[Flaw]:
    for number, phase in enumerate(model.phases):
        if not phase.touchpoints:
            message = f"The phase {phase.key!r} has no touchpoints, so no customer is ever seen in it."
            yield Flaw("PHASE_WITHOUT_TOUCHPOINTS", message, ("phases", str(number), "touchpoints"))


def _touchpoints(relations: Relations) -> Iterator[Flaw]:
    for one in relations.contradictory:
        yield Flaw("TOUCHPOINT_UNREACHABLE", _CONTRADICTION, one.path)
    hidden = set()
    for one, hider in relations.unreachable():
        hidden.add(one.path)
        message = f"No step can have this touchpoint: {hider.key!r} matches whatever it matches, and is chosen first."
        yield Flaw("TOUCHPOINT_UNREACHABLE", message, one.path)
    told = set()
    for overlap in relations.overlaps:
        earlier, later = overlap.earlier, overlap.later
        if later.path in told or hidden & {earlier.path, later.path}:
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


def _goal(model: Model, rules: Mapping[Path, Rule], inquiry: Inquiry) -> Iterator[Flaw]:
    goal, cancelled = rules.get(("goal",)), rules.get(("cancelledWhen",))
    if goal is None:
        return
    if inquiry.find_example([goal]).impossible:
        yield Flaw(GOAL_UNREACHABLE, _CONTRADICTION, ("goal",))
    elif cancelled is not None and inquiry.find_example([goal], [cancelled]).impossible:
        message = "Every event that matches the goal matches cancelledWhen too, which comes first: nobody completes."
        yield Flaw(GOAL_UNREACHABLE, message, ("goal",))
    else:
        shown = [rules[*path, "recognisedBy"] for path, _ in model.touchpoints()]
        shown += [rules[field,] for field in ("scope",) if (field,) in rules]
        if shown and _disjoint(goal.names, _names(shown)):
            message = (
                "No touchpoint and no `scope` can match what the goal asks for, so the map does not show how it is "
                "reached; is the event's name spelled as it is sent?"
            )
            yield Flaw("GOAL_OFF_MAP", message, ("goal",))


def _futile_rules(model: Model, rules: Mapping[Path, Rule], inquiry: Inquiry) -> Iterator[Flaw]:
    """Other rules that can never matter; drop-off rules see events that belong to the journey, and no others."""
    touchpoints = _names(rules[*path, "recognisedBy"] for path, _ in model.touchpoints())
    of_journey = _names(rules[field,] for field in _BELONGING if (field,) in rules)
    belonging = None if touchpoints is None or of_journey is None else touchpoints | of_journey
    for path, rule in rules.items():
        if path[0] in ("phases", "goal", "startsWhen"):
            continue
        if inquiry.find_example([rule]).impossible:
            yield Flaw("RULE_NEVER_MATCHES", _CONTRADICTION, path)
        elif path[0] == "dropOffReasons" and _disjoint(rule.names, belonging):
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
