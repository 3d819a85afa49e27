"""Events as rules see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    kind: str = "track"
    name: str = "Order Completed"
    source: str = "website"
    channel: str | None = "web"
    device: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)


ORDER = Event(
    properties={
        "total": 120,
        "discount": 12.5,
        "coupon": None,
        "currency": "EUR",
        "gift": True,
        "paid": False,
        "text": "true",
        "items": [{"sku": "A", "price": 100, "tags": ["x", "y"]}, {"sku": "B", "price": 20.5, "tags": []}],
        "tags": ["fair", "shop"],
        "counts": [1, 2.0, True],
        "shipping": {"method": "post", "days": 2},
        "a b": 1,
        "empty": {},
        "nothing": [],
        "sent": "2026-01-31T12:00:00+01:00",
        "huge": 10**400,
        "city": "Zoetermeer ☀",
    },
    context={"page": {"path": "/shop/shoes.html"}},
    traits={"city": "Utrecht", "interests": ["shoes"]},
)
