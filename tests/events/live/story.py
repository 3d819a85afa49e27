"""Words for customer stories: given a journey, when these events happen, then that is what the history means.

The map is the contract's: phases `look`, `buy` (the only mandatory one), `use` and `love`; patience P7D. Moments are
days since the epoch, as numbers; what is said twice happened twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.events.live.domain import Folded, Instance, Schedule, compile_version, fold
from services.events.timeline.domain import history_key

DAY = 86_400_000_000

_message_ids = (f"message-{number:06d}" for number in itertools.count())


@dataclass(frozen=True)
class Happened:
    """A touchpoint event of a story."""

    key: bytes
    occurred_at: int
    name: str
    message_id: str
    kind: str = "track"
    source: str = "website"
    channel: str | None = None
    device: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.message_id


def on(day: float, name: str, order: object = None, **properties: Any) -> Happened:
    """The event of that name on that day; `order` is what `properties.order_id` names."""
    return heard(day, name, properties=properties if order is None else {"order_id": order, **properties})


def heard(day: float, name: str, **attributes: Any) -> Happened:
    """The event of that name on that day, with any attribute set."""
    at, message_id = round(day * DAY), next(_message_ids)
    key = history_key(at, None, attributes.get("kind", "track"), attributes.get("source", "website"), message_id)
    return Happened(key, at, name, message_id, **attributes)


def named(name: str) -> str:
    """The rule that recognises an event by its name."""
    return f'name == "{name}"'


def phase(key: str, *names: str, mandatory: bool = False, **fields: Any) -> dict[str, Any]:
    """A phase with a touchpoint for each name of an event; the touchpoint's key is its last word, in lower case."""
    touchpoints = [
        {"key": name.split()[-1].lower(), "name": name, "channel": "any", "recognisedBy": named(name)} for name in names
    ]
    return {"key": key, "name": key, "mandatory": mandatory, "touchpoints": touchpoints, **fields}


def journey(**fields: Any) -> dict[str, Any]:
    """The contract's journey as it is published, with fields added or replaced."""
    return {
        "key": "webshop",
        "name": "Webshop",
        "version": 1,
        "effectiveFrom": None,
        "publishedAt": "1970-01-01T00:00:00Z",
        "phases": [
            phase("look", "Product Viewed"),
            phase("buy", "Checkout Started", "Order Completed", mandatory=True),
            phase("use", "Manual Opened"),
            phase("love", "Product Reviewed"),
        ],
        "goal": named("Order Completed"),
        "patience": "P7D",
        **fields,
    }


def keyed(**fields: Any) -> dict[str, Any]:
    """The contract's keyed journey: an instance is about one order."""
    return journey(**{"instanceKey": "properties.order_id", "cancelledWhen": named("Order Cancelled"), **fields})


def told(
    *events: Happened, by: dict[str, Any] | None = None, versions: list[dict[str, Any]] | None = None, now: float
) -> list[str]:
    """The instances of a history in words, one line each; see `line`."""
    return [line(instance) for instance in folded(*events, by=by, versions=versions, now=now).instances]


def left(*events: Happened, by: dict[str, Any], now: float) -> list[tuple[str, str]]:
    """The names of the events that no instance took, each with why."""
    return [(untaken.event.name, untaken.why.value) for untaken in folded(*events, by=by, now=now).untaken]


def folded(
    *events: Happened, by: dict[str, Any] | None = None, versions: list[dict[str, Any]] | None = None, now: float
) -> Folded:
    """The fold of the events, in whatever order they are given, by one journey or several versions of it."""
    documents = versions or [by or journey()]
    schedule = Schedule("webshop", [compile_version(document) for document in documents])
    return fold(schedule, sorted(events, key=lambda event: event.key), round(now * DAY))


def line(instance: Instance) -> str:
    """Run (key) and version if they matter, status, phase, end, deadline, drop-off and steps.

    For example `1(A) ABANDONED in buy, ended 7, UNKNOWN: START started, STAY -`; a dash is an off-map step.
    """
    version = f" v{instance.version}" if instance.version != 1 else ""
    parts = [
        f"{instance.run}{f'({instance.key})' if instance.key else ''}{version} {instance.status} in {instance.phase}"
    ]
    if instance.ended_at is not None:
        parts.append(f"ended {instance.ended_at / DAY:g}")
    if instance.due_at is not None:
        parts.append(f"due {instance.due_at / DAY:g}")
    if instance.drop_off is not None:
        events = {step.event.id: step.event for step in instance.steps}
        evidence = "".join(
            f" by {events[id].name} on {events[id].occurred_at / DAY:g}" for id in instance.drop_off.evidence
        )
        parts.append(f"{instance.drop_off.reason}{evidence}")
    steps = ", ".join(f"{step.direction} {step.touchpoint or '-'}" for step in instance.steps)
    return f"{', '.join(parts)}: {steps}"
