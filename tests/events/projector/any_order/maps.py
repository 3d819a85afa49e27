"""Three journeys whose versions differ in everything that may differ: a plain one, a keyed one, one that pauses."""

from __future__ import annotations

from random import Random
from typing import Any

from infra.chassis.clock import to_rfc3339
from tests.support.histories import DAY, EPOCH

Json = dict[str, Any]

JOURNEYS = ("claim", "order", "shop")


def version_of(journey: str, number: int, effective_from: int | None, random: Random) -> Json:
    """A version as it is published; None: in force from always."""
    draft = {"claim": _claim, "order": _order, "shop": _shop}[journey](random)
    return draft | {
        "key": journey,
        "name": journey.title(),
        "version": number,
        "effectiveFrom": None if effective_from is None else to_rfc3339(effective_from),
        "publishedAt": to_rfc3339(EPOCH + (1_000 + number) * DAY),
    }


def _shop(random: Random) -> Json:
    """Without keys: who comes back after the goal begins again."""
    return {
        "phases": [
            _phase("look", "View", mandatory=False),
            _phase("choose", "Cart", "Ask", patience=random.choice([None, "P1D"])),
            _phase("buy", "Buy", "Pay", mandatory=random.choice([True, False])),
            _phase("use", "Review", channel="app"),
        ],
        "goal": 'name == "Buy"',
        "cancelledWhen": random.choice([None, 'name == "Cancel" && channel == "web"']),
        "returnedWhen": random.choice(['name == "Return"', 'name in ["Return", "Complain"]']),
        "startsWhen": random.choice([None, '!(name == "Review")']),
        "patience": random.choice(["PT12H", "P1D", "P2D"]),
        "reentry": random.choice(["ALWAYS", "ALWAYS", "AFTER_END"]),
        "dropOffReasons": [
            {"reason": "EXTRA_COST", "when": "properties.amount >= 3"},
            {"reason": "OTHER", "when": 'name == "Ask"'},
        ],
    }


def _order(random: Random) -> Json:
    """One run for each order, at most."""
    return {
        "phases": [
            _phase("choose", "Cart", "View"),
            _phase("pay", "Buy", "Pay", patience="P2D"),
            _phase("receive", "Deliver", "Review", patience=random.choice(["P1D", "P1W"])),
        ],
        "goal": random.choice(['name == "Pay"', 'name in ["Pay", "Deliver"]']),
        "cancelledWhen": 'name == "Cancel"',
        "returnedWhen": random.choice([None, 'name == "Return"']),
        "instanceKey": random.choice(["properties.order", "properties.order", "properties.order", None]),
        "patience": random.choice(["P1D", "P4D"]),
        "reentry": random.choice(["NEVER", "AFTER_END"]),
        "dropOffReasons": [{"reason": "PAYMENT_OPTIONS", "when": 'name == "Buy"'}],
    }


def _claim(random: Random) -> Json:
    """Pauses, resumes, is cancelled, and takes what is in its scope."""
    return {
        "phases": [
            _phase("file", "Ask", "Complain"),
            _phase("handle", "Answer", patience="P2D"),
            _phase("settle", "Settle", "Pay"),
        ],
        "goal": 'name == "Settle"',
        "cancelledWhen": 'name == "Cancel"',
        "pausedWhen": random.choice(['name == "Pause"', 'name in ["Pause", "Complain"]']),
        "resumedWhen": random.choice([None, 'name == "Resume"']),
        "scope": random.choice(['name in ["Note", "Resume"]', "properties.amount == 1"]),
        "patience": random.choice(["P1D", "P3D"]),
        "pausePatience": random.choice(["P4D", "P1W"]),
        "reentry": random.choice(["ALWAYS", "AFTER_END", "NEVER"]),
        "dropOffReasons": [{"reason": "PAUSED", "when": 'name == "Note"'}],
    }


def _phase(key: str, *names: str, channel: str = "any", **more: Any) -> Json:
    touchpoints = [
        {"key": name.lower(), "name": name, "channel": channel, "recognisedBy": f'name == "{name}"'} for name in names
    ]
    given = {name: value for name, value in more.items() if value is not None}
    return {"key": key, "name": key.title(), "touchpoints": touchpoints} | given
