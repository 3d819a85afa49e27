"""Whole histories as the log holds them, and three journeys that between them use all that a journey may say.

The map is the workload's. Beside it stand a journey with a run for each order, and one that pauses and is withdrawn.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec

from services.events.intake.slots import Recorded, pack
from tests.benchmarks import workload

Json = dict[str, Any]
DAY = 86_400_000_000
BEGIN = 20_000 * DAY
"""The moment before the first event."""
ROW = 100
"""Events of a log row, as many as in a batch of Segment's libraries."""

_ORDER = ("Cart Viewed", "Checkout Started", "Payment Chosen", "Payment Entered", "Order Completed", "Parcel Tracked")
_QUESTION = ("Question Asked", "Answer Read", "Rating Given")
_TURNS = ("Order Cancelled", "Order Returned", "Reply Awaited", "Reply Received", "Question Withdrawn")
_ENCODE = msgspec.json.encode
_CONTEXTS = [
    _ENCODE({"library": {"name": "analytics-python", "version": "2.4.0"}, "page": {"path": path}})
    for path in ("/", "/shop", "/shop/chairs", "/account")
]


def journeys() -> list[Json]:
    """The versions that are published: two of the plain journey, one of each other."""
    return [chairs(1, None), chairs(2, "2024-10-19T00:00:00Z"), orders(), questions()]


def chairs(version: int, effective_from: str | None) -> Json:
    """The plain journey, with rules for its drop-offs; the second version asks for more patience."""
    return workload.journey("chairs") | {
        **_published(version, effective_from),
        "returnedWhen": 'name == "Order Returned"',
        "dropOffReasons": [
            {"reason": "EXTRA_COST", "when": 'name == "Cart Viewed" && properties.shipping > 10'},
            {"reason": "PAYMENT_OPTIONS", "when": 'name == "Payment Chosen"'},
            {"reason": "OTHER", "when": 'name.startsWith("Question")'},
        ],
        "patience": "P4D" if version == 1 else "P6D",
    }


def orders() -> Json:
    """The keyed journey: an order runs once."""
    return {
        "key": "orders",
        "name": "Orders",
        **_published(1, None),
        "phases": [_phase("choose", _ORDER[:2]), _phase("pay", _ORDER[2:5]), _phase("receive", _ORDER[5:])],
        "goal": 'name == "Order Completed"',
        "cancelledWhen": 'name == "Order Cancelled"',
        "returnedWhen": 'name == "Order Returned"',
        "instanceKey": "properties.order_id",
        "reentry": "NEVER",
        "patience": "P5D",
    }


def questions() -> Json:
    """The journey that pauses, goes on, is withdrawn, and takes what is in its scope."""
    return {
        "key": "questions",
        "name": "Questions",
        **_published(1, None),
        "phases": [_phase(name.lower().replace(" ", "-"), [name]) for name in _QUESTION],
        "goal": 'name == "Rating Given"',
        "cancelledWhen": 'name == "Question Withdrawn"',
        "pausedWhen": 'name == "Reply Awaited"',
        "resumedWhen": 'name == "Reply Received"',
        "scope": 'name == "Manual Opened"',
        "patience": "P3D",
        "pausePatience": "P9D",
    }


def _published(version: int, effective_from: str | None) -> Json:
    return {"version": version, "effectiveFrom": effective_from, "publishedAt": "2024-10-01T00:00:00Z"}


def _phase(key: str, names: Sequence[str]) -> Json:
    touchpoints = [
        {"key": name.lower().replace(" ", "-"), "name": name, "recognisedBy": f'name == "{name}"'} for name in names
    ]
    return {"key": key, "name": key.title(), "touchpoints": touchpoints}


def history(customer: str, events: int, apart: int, seed: int = 0) -> list[Recorded]:
    """What one customer does, in the order of time; `apart` is the mean time between two events, in microseconds.

    It goes through the map again and again; now and then something undoes an order or makes a question wait.
    """
    random = Random(f"{seed} {customer}")
    order, at = 0, BEGIN + random.randrange(apart)
    names: list[str] = []
    while len(names) < events:
        names += workload.path(random)
    taken = []
    for name in names[:events]:
        if random.random() < 0.1:
            name = random.choice(_TURNS)
        order += name == "Cart Viewed" and random.random() < 0.5
        taken.append(_recorded(random, customer, name, at, f"{customer}-{order}"))
        at += random.randrange(1, 2 * apart)
    return taken


def event(customer: str, name: str, at: int, order: str, seed: int = 0) -> Recorded:
    """One event of a customer, made like those of `history`."""
    return _recorded(Random(f"{seed} {customer} {at}"), customer, name, at, order)


def _recorded(random: Random, customer: str, name: str, at: int, order: str) -> Recorded:
    chair = random.randrange(10_000)
    return Recorded(
        source="website",
        message_id=str(uuid.UUID(int=random.getrandbits(128), version=4)),
        kind="track",
        name=name,
        channel=random.choice(("web", "web", "app", None)),
        device=random.choice(("DESKTOP", "MOBILE", None)),
        identifiers=(("user_id", customer),),
        verified=True,
        occurred_at=at,
        original_timestamp=at,
        sent_at=at + 1_000_000,
        received_at=at + 2_000_000,
        clamped=False,
        sequence=None,
        properties=_ENCODE(
            {
                "path": f"/shop/chairs/{chair}",
                "product_id": f"chair-{chair:04}",
                "order_id": order,
                "price": random.randrange(20_00, 400_00) / 100,
                "shipping": random.randrange(0, 20),
                "note": "a chair is not only for sitting but also for reading, working, waiting and talking",
            }
        ),
        context=random.choice(_CONTEXTS),
        traits=b"",
    )


class Packed(NamedTuple):
    """The log of some customers, as it would be stored."""

    rows: list[bytes]
    histories: dict[str, list[tuple[int, int]]]
    """By customer the places of its events, as (row, slot)."""
    events: int


def packed(customers: Mapping[str, Sequence[Recorded]]) -> Packed:
    """The events of all customers by the time of their arrival, in rows."""
    arrived = sorted(
        ((event.occurred_at, customer, event) for customer, events in customers.items() for event in events),
        key=lambda one: one[:2],
    )
    places: dict[str, list[tuple[int, int]]] = {customer: [] for customer in customers}
    for number, (_at, customer, _event) in enumerate(arrived):
        places[customer].append((number // ROW, number % ROW))
    rows = [
        pack([event for _at, _customer, event in arrived[start : start + ROW]]) for start in range(0, len(arrived), ROW)
    ]
    return Packed(rows, places, len(arrived))
