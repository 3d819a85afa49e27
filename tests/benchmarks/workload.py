"""What the benchmarks send: customers on a journey of five phases, as Segment track calls of 581 bytes each.

They are what Segment's library for Python sends, and a hundred in a batch is how it sends them.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EVENT_BYTES = 581
BATCH = 100

_PHASES = {
    "discover": ("Ad Clicked", "Home Visited", "Article Read", "Search Performed"),
    "compare": ("Product Viewed", "Products Compared", "Review Read", "Stock Checked"),
    "decide": ("Cart Viewed", "Coupon Entered", "Delivery Chosen", "Checkout Started"),
    "buy": ("Payment Chosen", "Payment Entered", "Terms Accepted", "Order Completed"),
    "use": ("Parcel Tracked", "Manual Opened", "Question Asked", "Rating Given"),
}
_GOAL = "Order Completed"
_NOISE = ("Page Viewed", "Form Focused")  # on no map, as much of what real sites send
_WORDS = "a chair is not only for sitting but also reading working waiting talking and a little thinking".split()
_SPAN = timedelta(days=10)  # shorter than the journey's patience: every instance stays open for more
_SESSION = timedelta(days=2)


class Call(NamedTuple):
    """One track call, and what of it the raw table has in columns."""

    message_id: str
    name: str
    customer: str
    occurred_at: datetime
    body: bytes


def journey(key: str) -> dict[str, Any]:
    """The map of the workload, as `saveJourney` takes it: most rules ask for a name, some look into the event."""
    return {
        "key": key,
        "name": "Buying a chair",
        "phases": [
            {
                "key": phase,
                "name": phase.title(),
                "mandatory": phase in ("decide", "buy"),
                "touchpoints": [
                    {"key": name.lower().replace(" ", "-"), "name": name, "recognisedBy": _rule(name)} for name in names
                ],
            }
            for phase, names in _PHASES.items()
        ],
        "goal": f'name == "{_GOAL}"',
        "cancelledWhen": 'name == "Order Cancelled"',
        "dropOffReasons": [{"reason": "EXTRA_COST", "when": 'name == "Cart Viewed" && properties.shipping > 10'}],
        "patience": "P14D",
    }


def _rule(name: str) -> str:
    rule = f'name == "{name}"'
    return f'{rule} && properties.path.startsWith("/shop")' if name in ("Product Viewed", "Review Read") else rule


def sessions(customers: int, seed: int) -> list[Call]:
    """About ten events of each customer, in the order of their times, as they would arrive.

    Every call makes other customers. A visitor is anonymous at first; half of them log in on the way.
    """
    chance = random.Random(seed)
    now = datetime.now(UTC)
    calls: list[Call] = []
    for number in range(customers):
        user, visitor = f"user-{seed}-{number}", str(uuid.UUID(int=chance.getrandbits(128), version=4))
        names = path(chance)
        logs_in_at = chance.randrange(len(names)) if chance.random() < 0.5 else len(names)
        start = now - _SPAN + (_SPAN - _SESSION) * chance.random()
        moments = sorted(start + _SESSION * chance.random() for _ in names)
        for index, (name, moment) in enumerate(zip(names, moments, strict=True)):
            calls.append(_call(chance, name, moment, visitor, user if index >= logs_in_at else None))
    calls.sort(key=lambda call: call.occurred_at)
    return calls


def path(chance: random.Random) -> list[str]:
    """Forward through the phases, sometimes back, with some noise; not everybody arrives at the goal."""
    names: list[str] = []
    phases = list(_PHASES.values())
    place = 0
    for _ in range(chance.randint(5, 15)):
        names.append(chance.choice(_NOISE if chance.random() < 0.1 else phases[place]))
        place = min(max(place + chance.choice((-1, 0, 0, 1, 1)), 0), len(phases) - 1)
    return names


def _call(chance: random.Random, name: str, moment: datetime, visitor: str, user: str | None) -> Call:
    """As Segment's library for Python writes one, member by member and with its blanks."""
    message_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    chair = chance.randrange(10_000)
    properties = {
        "path": f"/shop/chairs/{chair}",
        "product_id": f"chair-{chair:04}",
        "brand": chance.choice(_WORDS),
        "price": chance.randrange(20_00, 400_00) / 100,
        "shipping": chance.randrange(0, 20),
        "note": "",
    }
    call: dict[str, Any] = {
        "integrations": {},
        "anonymousId": visitor,
        "properties": properties,
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
        "userId": user,
        "type": "track",
        "event": name,
        "messageId": message_id,
    }
    room = EVENT_BYTES - len(json.dumps(call))
    properties["note"] = " ".join(chance.choices(_WORDS, k=room // 2 + 1))[:room]
    body = json.dumps(call).encode()
    assert len(body) == EVENT_BYTES
    return Call(message_id, name, user or visitor, moment, body)


def batches(calls: Sequence[Call], size: int = BATCH) -> list[bytes]:
    """The bodies of `/v1/batch`, sent now."""
    sent_at = datetime.now(UTC).isoformat().encode()
    return [
        b'{"batch":[' + b",".join(call.body for call in calls[start : start + size]) + b'],"sentAt":"' + sent_at + b'"}'
        for start in range(0, len(calls), size)
    ]
