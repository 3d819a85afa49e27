"""The fold of one journey over one customer's history, as the contract's text says it, sentence by sentence.

Input: the published versions of one journey (JourneyInput as JSON in camelCase, with `version`, `effectiveFrom` and
`publishedAt`), events in any order, and `now` in microseconds. Output: one plain dictionary per instance.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle.rules import rule, value_at

Json = dict[str, Any]

_KIND_RANK = {"identify": 0, "alias": 1, "group": 2, "page": 3, "screen": 3, "track": 4}
_UNITS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_DURATION = re.compile(
    r"P(?:([\d.]+)(?P<W>W))?(?:([\d.]+)(?P<D>D))?(?:T(?:([\d.]+)(?P<H>H))?(?:([\d.]+)(?P<M>M))?(?:([\d.]+)(?P<S>S))?)?"
)


def fold(journeys: list[Json], events: list[Json], now: int) -> list[Json]:
    """The instances of one customer in one journey, in order of run."""
    instances: list[Json] = []
    history = sorted(events, key=place)
    for event in history:
        close_silent(instances, event["occurredAt"])
        offer(journeys, instances, event)
    close_silent(instances, max([now, *(event["occurredAt"] for event in history)]))
    return [shown(instance) for instance in instances]


# --- Order -------------------------------------------------------------------------------------------------------


def place(event: Json) -> tuple[Any, ...]:
    """Where an event stands in every history."""
    sequence = event.get("sequence")
    if sequence is None:
        sequence = event["context"].get("sequence")
    if isinstance(sequence, bool) or not isinstance(sequence, int):
        sequence = None
    return (
        event["occurredAt"],
        sequence is None,
        sequence or 0,
        _KIND_RANK[event["kind"]],
        event["source"],
        event["messageId"],
    )


# --- Recognition, key --------------------------------------------------------------------------------------------


def says(journey: Json, name: str, event: Json) -> bool:
    """Does the journey's rule of this name match? An absent rule matches nothing."""
    return journey.get(name) is not None and rule(journey[name])(event)


def touchpoints(journey: Json, event: Json) -> list[tuple[int, str]]:
    """The matching touchpoints in map order, each with the number of its phase."""
    return [
        (number, touchpoint["key"])
        for number, phase in enumerate(journey["phases"])
        for touchpoint in phase["touchpoints"]
        if rule(touchpoint["recognisedBy"])(event)
    ]


def belongs(journey: Json, event: Json) -> bool:
    names = ("cancelledWhen", "returnedWhen", "goal", "pausedWhen", "resumedWhen", "scope")
    return bool(touchpoints(journey, event)) or any(says(journey, name, event) for name in names)


def touchpoint_for(instance: Json, event: Json) -> tuple[int, str] | None:
    """Of several: one in its current phase, then the nearest later, then the nearest earlier phase, then map order."""
    current = instance["phase"]

    def preference(match: tuple[int, str]) -> tuple[int, int]:
        phase = match[0]
        if phase == current:
            return (0, 0)
        return (1, phase - current) if phase > current else (2, current - phase)

    matches = touchpoints(instance["journey"], event)
    return min(matches, key=preference) if matches else None  # min keeps map order among equals


def key_of(journey: Json, event: Json) -> str | None:
    path = journey.get("instanceKey")
    if path is None:
        return None
    value = value_at(event, path)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        return value if 0 < len(value) <= 255 else None
    text = format(Decimal(repr(value)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text) > 255:
        return None
    return "0" if text == "-0" else text


def role(journey: Json, event: Json) -> str:
    """cancelled, returned (an event that matches both counts as cancelled) or plain."""
    if says(journey, "cancelledWhen", event):
        return "cancelled"
    return "returned" if says(journey, "returnedWhen", event) else "plain"


# --- Which instance ----------------------------------------------------------------------------------------------


def offer(journeys: list[Json], instances: list[Json], event: Json) -> None:
    """Give the event to the instance that takes it, else start a run with it, else leave it."""
    taker, reserved = find_taker(instances, event)
    if taker is not None:
        key = key_of(taker["journey"], event)
        if taker["key"] is None and key is not None:
            taker["key"] = key
        step(taker, event)
        return
    if not reserved:
        start(journeys, instances, event)


def find_taker(instances: list[Json], event: Json) -> tuple[Json | None, bool]:
    """The instance that takes the event, and whether an open instance with its key forbids a new run.

    Every instance reads the event (its key, its role) by its own version.
    """
    holders = [i for i in instances if i["key"] is not None and i["key"] == key_of(i["journey"], event)]
    open_holders = [i for i in holders if i["open"]]
    if returned := [i for i in holders if is_completed(i) and role(i["journey"], event) == "returned"]:
        return latest(returned), True
    if open_holders:
        return latest([i for i in open_holders if takes(i, event)]), True
    if cancelled := [i for i in holders if is_completed(i) and role(i["journey"], event) == "cancelled"]:
        return latest(cancelled), True
    if any(role(i["journey"], event) != "plain" for i in holders):
        # All that had the key have ended cancelled, returned or abandoned: whoever reads that key does not take it.
        # It stays open to runs and starts of a version without keys, for which it is an event without key.
        instances = [i for i in instances if key_of(i["journey"], event) is None]
    return among_keyless(instances, event), False


def among_keyless(instances: list[Json], event: Json) -> Json | None:
    """An event without key may go to any instance, an event with a new key to one that can adopt it."""
    able = [i for i in instances if key_of(i["journey"], event) is None or may_adopt(instances, i, event)]
    if returned := [i for i in able if is_completed(i) and role(i["journey"], event) == "returned"]:
        return latest(returned)
    if taking := [i for i in able if i["open"] and takes(i, event)]:
        return latest(taking)
    return latest([i for i in able if is_completed(i) and role(i["journey"], event) == "cancelled"])


def may_adopt(instances: list[Json], instance: Json, event: Json) -> bool:
    if instance["key"] is not None:
        return False
    key = key_of(instance["journey"], event)
    return reentry(instance["journey"]) != "NEVER" or all(other["key"] != key for other in instances)


def takes(instance: Json, event: Json) -> bool:
    """Would this open instance take the event?"""
    journey = instance["journey"]
    if not belongs(journey, event):
        return False
    if not is_completed(instance) or role(journey, event) != "plain":
        return True
    if says(journey, "goal", event):
        return False
    match = touchpoint_for(instance, event)
    return match is None or match[0] >= instance["goalPhase"]


def latest(instances: list[Json]) -> Json | None:
    """The one whose last event has the latest time, then the higher run."""
    return max(instances, key=lambda i: (i["steps"][-1]["event"]["occurredAt"], i["run"]), default=None)


def is_completed(instance: Json) -> bool:
    return bool(instance["status"] == "COMPLETED")


def reentry(journey: Json) -> str:
    return journey.get("reentry") or "ALWAYS"


def start(journeys: list[Json], instances: list[Json], event: Json) -> None:
    journey = in_force(journeys, event["occurredAt"])
    if journey is None:
        return
    key = key_of(journey, event)
    matches = touchpoints(journey, event)
    if not matches or role(journey, event) != "plain":
        return
    if journey.get("startsWhen") is not None and not says(journey, "startsWhen", event):
        return
    if key is not None and any(i["open"] and i["key"] == key for i in instances):
        return
    if reentry(journey) == "AFTER_END" and any(i["status"] in ("ACTIVE", "PAUSED") for i in instances):
        return
    if reentry(journey) == "NEVER" and any(i["key"] == key for i in instances):
        return
    instance: Json = {
        "journey": journey,
        "run": len(instances) + 1,
        "key": key,
        "status": "ACTIVE",
        "open": True,
        "phase": None,
        "goalPhase": None,
        "steps": [],
        "endedAt": None,
        "before": None,  # the status just before the last change of status
        "pausedBy": None,
    }
    instances.append(instance)
    step(instance, event)


def in_force(journeys: list[Json], moment: int) -> Json | None:
    """Of the versions with effectiveFrom at or before the moment, the one published last."""
    effective = [j for j in journeys if j["effectiveFrom"] is None or instant(j["effectiveFrom"]) <= moment]
    return max(effective, key=lambda j: (instant(j["publishedAt"]), j["version"]), default=None)


# --- Step, status ------------------------------------------------------------------------------------------------


def step(instance: Json, event: Json) -> None:
    """Let the instance take the event: its step, then at most one change of status."""
    journey = instance["journey"]
    touchpoint: str | None
    if instance["phase"] is None:
        phase, touchpoint = touchpoints(journey, event)[0]  # the earliest phase, then map order
        direction = "START" if instance["run"] == 1 else "REENTER"
    else:
        phase, touchpoint = touchpoint_for(instance, event) or (instance["phase"], None)
        direction = direction_of(journey, instance["phase"], phase)
    instance["phase"] = phase
    instance["steps"].append({"event": event, "touchpoint": touchpoint, "phase": phase, "direction": direction})
    change = change_of(instance, event, touchpoint)
    if change is None:
        return
    instance["before"], instance["status"] = instance["status"], change
    if change == "PAUSED":
        instance["pausedBy"] = event
    if change == "COMPLETED":
        instance["goalPhase"] = phase
    if change in ("CANCELLED", "RETURNED"):
        instance["open"] = False
    if change in ("COMPLETED", "CANCELLED", "RETURNED"):
        instance["endedAt"] = event["occurredAt"]


def direction_of(journey: Json, before: int, after: int) -> str:
    if after == before:
        return "STAY"
    if after < before:
        return "BACK"
    between = journey["phases"][before + 1 : after]
    return "SKIP" if any(phase.get("mandatory", True) for phase in between) else "FORWARD"


def change_of(instance: Json, event: Json, touchpoint: str | None) -> str | None:
    """The first change that applies; cancelled is asked of every instance that can take an event."""
    journey, status = instance["journey"], instance["status"]
    if says(journey, "cancelledWhen", event):
        return "CANCELLED"
    if status == "COMPLETED":
        return "RETURNED" if says(journey, "returnedWhen", event) else None
    if says(journey, "goal", event):
        return "COMPLETED"
    pauses = says(journey, "pausedWhen", event)
    if status == "ACTIVE":
        return "PAUSED" if pauses else None
    return "ACTIVE" if says(journey, "resumedWhen", event) or (touchpoint is not None and not pauses) else None


# --- Silence -----------------------------------------------------------------------------------------------------


def close_silent(instances: list[Json], moment: int) -> None:
    """Close what has been silent until its deadline, at or before the moment."""
    for instance in instances:
        if not instance["open"] or deadline(instance) > moment:
            continue
        if not is_completed(instance):
            instance["endedAt"] = deadline(instance)
            instance["before"], instance["status"] = instance["status"], "ABANDONED"
        instance["open"] = False


def deadline(instance: Json) -> int:
    journey = instance["journey"]
    patience = journey["phases"][instance["phase"]].get("patience") or journey.get("patience") or "P30D"
    if instance["status"] == "PAUSED":
        patience = journey.get("pausePatience") or "P90D"
    last: int = instance["steps"][-1]["event"]["occurredAt"]
    return last + microseconds(patience)


# --- Drop-off, and the instance as others see it -----------------------------------------------------------------


def drop_off(instance: Json) -> Json | None:
    if instance["status"] not in ("ABANDONED", "CANCELLED", "RETURNED"):
        return None
    reason, evidence = reason_of(instance)
    return {
        "reason": reason,
        "phase": instance["journey"]["phases"][instance["phase"]]["key"],
        "at": instance["endedAt"],
        "evidence": evidence,
    }


def reason_of(instance: Json) -> tuple[str, list[str]]:
    for taken in reversed(instance["steps"]):
        for reason in instance["journey"].get("dropOffReasons") or []:
            if rule(reason["when"])(taken["event"]):
                return reason["reason"], [taken["event"]["messageId"]]
    if instance["before"] == "PAUSED":
        return "PAUSED", [instance["pausedBy"]["messageId"]]
    return "UNKNOWN", []


def shown(instance: Json) -> Json:
    journey, steps = instance["journey"], instance["steps"]
    names = [phase["key"] for phase in journey["phases"]]
    return {
        "run": instance["run"],
        "version": journey["version"],
        "key": instance["key"],
        "status": instance["status"],
        "phase": names[instance["phase"]],
        "touchpoint": [s["touchpoint"] for s in steps if s["touchpoint"] is not None][-1],
        "startedAt": steps[0]["event"]["occurredAt"],
        "lastEventAt": steps[-1]["event"]["occurredAt"],
        "endedAt": instance["endedAt"],
        "dueAt": deadline(instance) if instance["open"] else None,
        "steps": [[s["event"]["messageId"], s["touchpoint"], names[s["phase"]], s["direction"]] for s in steps],
        "dropOff": drop_off(instance),
    }


# --- Times -------------------------------------------------------------------------------------------------------


def microseconds(duration: str) -> int:
    """An ISO 8601 duration of weeks, days and times; months and years are refused."""
    match = _DURATION.fullmatch(duration)
    if match is None or duration[-1] in "PT":
        raise ValueError(f"not a duration of weeks, days and times: {duration!r}")
    parts = zip(match.groups()[::2], match.groups()[1::2], strict=True)
    return int(sum(Decimal(amount) * _UNITS[unit] for amount, unit in parts if amount) * 1_000_000)


def instant(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 moment."""
    span = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
