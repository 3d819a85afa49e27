"""Builders of what upstreams answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.chassis.errors import Flaw, Problem

Json = dict[str, Any]


def principal(*scopes: str, kind: str = "SECRET", workspace: str = "default", source: str = "api") -> Json:
    return {"workspace": workspace, "source": source, "kind": kind, "scopes": list(scopes)}


def touchpoint(key: str = "view", **more: Any) -> Json:
    return {
        "key": key,
        "name": key.capitalize(),
        "channel": "web",
        "owner": None,
        "recognisedBy": f'name == "{key}"',
        "claimedEmotion": None,
        "momentOfTruth": False,
        "lanes": [],
    } | more


def phase(key: str = "orientation", **more: Any) -> Json:
    return {
        "key": key,
        "name": key.capitalize(),
        "customerGoal": None,
        "expectation": None,
        "mandatory": True,
        "patience": None,
        "touchpoints": [touchpoint()],
        "means": [],
        "lanes": [],
        "outsideFigures": [],
    } | more


def journey(key: str = "purchase", **more: Any) -> Json:
    return {
        "key": key,
        "name": "Purchase",
        "customerGoal": None,
        "personas": [],
        "version": 1,
        "revision": 3,
        "status": "PUBLISHED",
        "effectiveFrom": None,
        "effectiveUntil": None,
        "publishedAt": "2026-01-01T00:00:00Z",
        "phases": [phase()],
        "startsWhen": None,
        "goal": 'name == "Order Completed"',
        "cancelledWhen": None,
        "returnedWhen": None,
        "pausedWhen": None,
        "resumedWhen": None,
        "instanceKey": None,
        "scope": None,
        "patience": "P30D",
        "pausePatience": "P90D",
        "reentry": "ALWAYS",
        "restartAllowed": False,
        "dropOffReasons": [],
        "hypotheses": [],
    } | more


def persona_item(text: str = "Cycle to work", rung: str = "ASSUMPTION", **more: Any) -> Json:
    return {"text": text, "evidence": [], "rung": rung} | more


def persona(key: str = "commuter", **more: Any) -> Json:
    lists = ("goals", "drives", "challenges", "responsibilities", "pains", "delights", "situations")
    return {
        "key": key,
        "name": "Commuter",
        "version": 1,
        "revision": 2,
        "status": "PUBLISHED",
        "effectiveFrom": None,
        "effectiveUntil": None,
        "publishedAt": "2026-01-01T00:00:00Z",
        "narrative": None,
        "portrait": None,
        "realGoal": None,
        **{name: [] for name in lists},
        "mediaPreferences": [],
        "matches": None,
        "evidence": [],
        "confidence": "ASSUMPTION",
    } | more


def identifier(type: str = "user_id", value: str = "u1", trust: str = "VERIFIED") -> Json:
    return {"type": type, "value": value, "trust": trust, "firstSeenAt": "2026-03-01T10:00:00Z"}


def customer(id: str = "k1", **more: Any) -> Json:
    return {
        "id": id,
        "identifiers": [identifier()],
        "traits": {"plan": "gold"},
        "traitHistory": [
            {"key": "plan", "value": "gold", "occurredAt": "2026-03-01T10:00:00Z", "source": "api"},
        ],
        "firstSeenAt": "2026-03-01T10:00:00Z",
        "lastSeenAt": "2026-03-04T10:00:00Z",
        "firstEventId": "e1",
    } | more


def ledger_entry(id: str = "l1", **more: Any) -> Json:
    return {
        "id": id,
        "kind": "LINK",
        "identifiers": [identifier(), identifier("anonymous_id", "a1", "CLAIMED")],
        "trust": "CLAIMED",
        "taken": True,
        "reason": "An event names both.",
        "eventId": "e1",
        "at": "2026-03-01T10:00:00Z",
    } | more


def assignment(persona: str = "commuter", *events: str, **more: Any) -> Json:
    reason = {
        "text": f'The rule of persona "{persona}" holds.',
        "events": list(events),
        "rule": "traits.commutes",
        "modelVersion": 1,
    }
    return {"persona": persona, "version": 1, "fit": 1.0, "because": [reason]} | more


def event(id: str = "e1", **more: Any) -> Json:
    return {
        "id": id,
        "messageId": f"m-{id}",
        "kind": "track",
        "name": "Product Viewed",
        "source": "website",
        "channel": "web",
        "device": "mobile",
        "properties": {},
        "context": {},
        "identifiers": [identifier()],
        "occurredAt": "2026-03-01T10:00:00Z",
        "originalTimestamp": None,
        "sentAt": None,
        "receivedAt": "2026-03-01T10:00:01Z",
        "clamped": False,
    } | more


def instance(id: str = "i1", **more: Any) -> Json:
    return {
        "id": id,
        "journeyKey": "purchase",
        "version": 1,
        "customerId": "k1",
        "key": None,
        "run": 1,
        "status": "ACTIVE",
        "phase": phase(),
        "touchpoint": touchpoint(),
        "startedAt": "2026-03-01T10:00:00Z",
        "lastEventAt": "2026-03-01T10:00:00Z",
        "endedAt": None,
        "dueAt": "2026-03-31T10:00:00Z",
        "dropOff": None,
    } | more


def explanation(*events: str, **more: Any) -> Json:
    return {"text": "Because.", "events": list(events), "rule": 'name == "Buy"', "modelVersion": 1} | more


def step(instance_id: str = "i1", event_id: str = "e1", **more: Any) -> Json:
    return {
        "instanceId": instance_id,
        "touchpoint": touchpoint(),
        "phase": phase(),
        "direction": "START",
        "channel": "web",
        "device": "mobile",
        "occurredAt": "2026-03-01T10:00:00Z",
        "eventId": event_id,
    } | more


def workspace(key: str = "default", **more: Any) -> Json:
    return {"key": key, "name": "Default", "settings": {"theme": "dark"}} | more


def source(key: str = "website", **more: Any) -> Json:
    return {
        "key": key,
        "name": "Website",
        "kind": "website",
        "defaultChannel": "web",
        "origins": ["https://shop.example"],
        "trust": "CLAIMED",
        "paused": False,
    } | more


def rejected_event(id: str = "7-2", **more: Any) -> Json:
    return {
        "id": id,
        "source": "website",
        "receivedAt": "2026-03-01T10:00:01Z",
        "code": "BAD_VALUE",
        "message": "No.",
        "path": ["properties"],
        "body": "{}",
    } | more


def problem(status: int, code: str, message: str = "no", flaws: Sequence[Flaw] = ()) -> Any:
    """An answer of a stub: the problem is raised when it is asked."""
    refusal = Problem(message, code=code, errors=flaws)
    refusal.status = status

    def answer(_body: Json) -> Json:
        raise refusal

    return answer
