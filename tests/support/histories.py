"""Builders of customer histories: plain event dictionaries, and the same events as the product's fold sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.events.live.domain import Instance, Schedule, compile_version, fold
from services.events.timeline.domain import history_key
from tests.oracle.journey import place

Json = dict[str, Any]

DAY = 86_400_000_000
EPOCH = 1_767_225_600_000_000
"""Day 0 of the stories: 2026-01-01T00:00:00Z, in microseconds."""


def plain_event(message_id: str, name: str, occurred_at: int, **more: Any) -> Json:
    """A track event of source `shop`; `more` overrides or adds any field."""
    return {
        "source": "shop",
        "messageId": message_id,
        "kind": "track",
        "name": name,
        "channel": None,
        "device": None,
        "occurredAt": occurred_at,
        "sequence": None,
        "properties": {},
        "context": {},
        "traits": {},
    } | more


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An event as timelines hand it to the fold."""

    key: bytes
    occurred_at: int
    kind: str
    name: str
    channel: str | None
    device: str | None
    source: str
    message_id: str
    properties: Mapping[str, Any]
    context: Mapping[str, Any]
    traits: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.message_id


def history_event(plain: Json) -> HistoryEvent:
    """The fold's view of a plain event."""
    sequence = plain["sequence"] if plain["sequence"] is not None else plain["context"].get("sequence")
    return HistoryEvent(
        key=history_key(plain["occurredAt"], sequence, plain["kind"], plain["source"], plain["messageId"]),
        occurred_at=plain["occurredAt"],
        kind=plain["kind"],
        name=plain["name"],
        channel=plain["channel"],
        device=plain["device"],
        source=plain["source"],
        message_id=plain["messageId"],
        properties=plain["properties"],
        context=plain["context"],
        traits=plain["traits"],
    )


def history_of(events: Sequence[Json]) -> list[HistoryEvent]:
    """All events, in the contract's order. That history keys give the same order is a test of its own."""
    return [history_event(event) for event in sorted(events, key=place)]


def product_reader(journeys: Sequence[Json]) -> Callable[[Sequence[Json], int], list[Json]]:
    """The product's fold under these versions: from events and `now` to instances in the oracle's form."""
    schedule = Schedule(journeys[0]["key"], [compile_version(journey) for journey in journeys])

    def read(events: Sequence[Json], now: int) -> list[Json]:
        return [shown(instance) for instance in fold(schedule, history_of(events), now).instances]

    return read


def product_fold(journeys: Sequence[Json], events: Sequence[Json], now: int) -> list[Json]:
    """The product's fold over the same input as the oracle's."""
    return product_reader(journeys)(events, now)


def shown(instance: Instance) -> Json:
    """One instance of the product's fold in the oracle's form."""
    drop_off = instance.drop_off
    return {
        "run": instance.run,
        "version": instance.version,
        "key": instance.key,
        "status": str(instance.status),
        "phase": instance.phase,
        "touchpoint": instance.touchpoint,
        "startedAt": instance.started_at,
        "lastEventAt": instance.last_event_at,
        "endedAt": instance.ended_at,
        "dueAt": instance.due_at,
        "steps": [[step.event.message_id, step.touchpoint, step.phase, str(step.direction)] for step in instance.steps],
        "dropOff": None
        if drop_off is None
        else {
            "reason": str(drop_off.reason),
            "phase": drop_off.phase,
            "at": drop_off.at,
            "evidence": list(drop_off.evidence),
        },
    }
