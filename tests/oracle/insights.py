"""Insights counted from instances, one sentence of their definitions after the other.

`walks` folds the customers of one journey and puts the events back beside the steps; `insights` counts a selection of
those walks. Counts that are zero are left out, so that two countings can be compared as they are.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.oracle.journey import fold

Json = dict[str, Any]
Period = tuple[int | None, int | None]

DIMENSIONS = ("channel", "device", "source")


@dataclass(frozen=True)
class Walk:
    """One instance with what its steps were made of."""

    customer: str
    instance: Json  # as tests.oracle.journey shows it
    phases: list[str]  # of its version, in believed order
    steps: list[Json]  # touchpoint, phase, at, channel, device, source
    variant: str | None

    @property
    def name(self) -> tuple[str, int]:
        """What tells it from every other instance of the journey."""
        return self.customer, self.instance["run"]


# --- Instances, with their steps ---------------------------------------------------------------------------------


def walks(journeys: list[Json], histories: dict[str, list[Json]], now: int) -> list[Walk]:
    """The instances of all customers in one journey, as they stand at `now`."""
    versions = {journey["version"]: journey for journey in journeys}
    found = []
    for customer, history in histories.items():
        events = {event["messageId"]: event for event in history}
        assert len(events) == len(history), f"two events of {customer} share a message id"
        for instance in fold(journeys, history, now):
            found.append(walk(customer, versions[instance["version"]], instance, events))
    return found


def walk(customer: str, journey: Json, instance: Json, events: dict[str, Json]) -> Walk:
    channels = {
        touchpoint["key"]: touchpoint.get("channel") or "any"
        for phase in journey["phases"]
        for touchpoint in phase["touchpoints"]
    }
    steps = []
    for message_id, touchpoint, phase, _direction in instance["steps"]:
        event = events[message_id]
        usual = channels.get(touchpoint, "any")
        steps.append(
            {
                "touchpoint": touchpoint,
                "phase": phase,
                "at": event["occurredAt"],
                # A step whose event has no channel takes that of its touchpoint, unless it is `any`.
                "channel": event["channel"] or (None if usual == "any" else usual),
                "device": event["device"],
                "source": event["source"],
            }
        )
    variant = events[instance["steps"][0][0]]["context"].get("variant")
    return Walk(customer, instance, phase_keys(journey), steps, variant if isinstance(variant, str) else None)


# --- A selection of instances ------------------------------------------------------------------------------------


def selected(told: list[Walk], period: Period = (None, None), where: Json | None = None) -> list[Walk]:
    """Instances that started in the half-open period, by version and by what their first step was like."""
    return [one for one in told if starts_in(one, period) and is_like(one, where or {})]


def starts_in(one: Walk, period: Period) -> bool:
    first, end = period
    started: int = one.instance["startedAt"]
    return (first is None or started >= first) and (end is None or started < end)


def is_like(one: Walk, where: Json) -> bool:
    traits = {name: one.steps[0][name] for name in DIMENSIONS}
    traits |= {"version": one.instance["version"], "variant": one.variant}
    return all(traits[name] == value for name, value in where.items() if value is not None)


# --- What is counted ---------------------------------------------------------------------------------------------


def insights(journeys: list[Json], told: list[Walk], period: Period = (None, None), where: Json | None = None) -> Json:
    """Everything that can be asked of one journey, for the selected instances."""
    chosen = selected(told, period, where)
    version = (where or {}).get("version")
    return {
        "instances": len(chosen),
        "byStatus": dict(Counter(one.instance["status"] for one in chosen)),
        "funnel": funnel([one for one in journeys if version in (None, one["version"])], chosen),
        "flow": dict(sum((Counter(pair for pair, _gap in pairs(one)) for one in chosen), Counter())),
        "hops": {name: dict(sum((Counter(hops(one, name)) for one in chosen), Counter())) for name in DIMENSIONS},
        "dropOffs": drop_offs(chosen),
    }


def funnel(journeys: list[Json], chosen: list[Walk]) -> list[tuple[str, int, int, int]]:
    """(phase, reached, continued, dropped) for each phase of these versions.

    Reached: instances that came to that phase or to a later one, as their own version believes the order. Continued:
    those of them that came to a later one, so of the last phase none. Dropped: those that came no further and have a
    drop-off. The newest version orders the phases; those that only older ones know come behind, the newer first.
    """
    order: list[str] = []
    for journey in sorted(journeys, key=lambda journey: journey["version"], reverse=True):
        order += [key for key in phase_keys(journey) if key not in order]
    found = []
    for phase in order:
        reached = [one for one in chosen if phase in one.phases and furthest(one) >= one.phases.index(phase)]
        stayed = [one for one in reached if furthest(one) == one.phases.index(phase)]
        dropped = [one for one in stayed if one.instance["dropOff"] is not None]
        found.append((phase, len(reached), len(reached) - len(stayed), len(dropped)))
    return found


def phase_keys(journey: Json) -> list[str]:
    return [phase["key"] for phase in journey["phases"]]


def furthest(one: Walk) -> int:
    """The place of the latest phase, in the believed order of its version, that any step reached."""
    return max(one.phases.index(step["phase"]) for step in one.steps)


def pairs(one: Walk) -> list[tuple[tuple[str, str], int | None]]:
    """The edges that one instance walks, each with the time between the two, which START and END do not have."""
    mapped = [step for step in one.steps if step["touchpoint"] is not None]
    edges: list[tuple[tuple[str, str], int | None]] = [(("START", mapped[0]["touchpoint"]), None)]
    for earlier, later in itertools.pairwise(mapped):
        edges.append(((earlier["touchpoint"], later["touchpoint"]), later["at"] - earlier["at"]))
    if one.instance["endedAt"] is not None:
        edges.append(((mapped[-1]["touchpoint"], f"END:{one.instance['status']}"), None))
    return edges


def gaps(chosen: list[Walk]) -> dict[tuple[str, str], list[int]]:
    """The times between the two steps of each pair, ascending, in microseconds."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in chosen:
        for pair, gap in pairs(one):
            if gap is not None:
                found.setdefault(pair, []).append(gap)
    return {pair: sorted(times) for pair, times in found.items()}


def hops(one: Walk, dimension: str) -> list[tuple[str, str]]:
    """Changes from one known value to the next, over all steps; steps that do not know it are skipped over."""
    known = [step[dimension] for step in one.steps if step[dimension] is not None]
    return [(before, after) for before, after in itertools.pairwise(known) if before != after]


def drop_offs(chosen: list[Walk]) -> dict[tuple[str, str, str | None], list[tuple[str, int]]]:
    """(phase, reason, device of the first step) -> the instances that dropped off so, in order of their names."""
    found: dict[tuple[str, str, str | None], list[tuple[str, int]]] = {}
    for one in sorted(chosen, key=lambda one: one.name):
        drop = one.instance["dropOff"]
        if drop is not None:
            found.setdefault((drop["phase"], drop["reason"], one.steps[0]["device"]), []).append(one.name)
    return found
