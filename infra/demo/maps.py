"""What the simulated shop believes: its sources, personas and journeys, as inputs of the GraphQL API. Pure data."""

from __future__ import annotations

from typing import Any

from infra.demo.shop import Source
from infra.demo.telling import CHANNELS

Json = dict[str, Any]

BUYING, CHECKOUT, SERVICE = "sim-buying", "sim-checkout", "sim-service"
JOURNEYS = (BUYING, CHECKOUT, SERVICE)
TEMPLATE: Json = {"template": "five-stations", "key": BUYING, "name": "Simulated shop: buying"}

_SOURCES = {
    Source.WEBSITE: ("website", "website"),
    Source.APP: ("app", "app"),
    Source.MAIL: ("mail", "mail"),
    Source.CALLS: ("call centre", "call_centre"),
    Source.STORE: ("store", "store"),
}
SOURCES: list[Json] = [
    {"key": source.value, "name": f"Simulated shop: {name}", "kind": kind, "defaultChannel": CHANNELS[source]}
    for source, (name, kind) in _SOURCES.items()
]


def _persona(key: str, name: str, segment: str, goal: str, delight: str, channel: str) -> Json:
    return {
        "key": f"sim-{key}",
        "name": f"Simulated: {name}",
        "narrative": "Made up for the demo, like everything of the simulated shop.",
        "matches": f'traits.simulated == true && traits.segment == "{segment}"',
        "realGoal": {"text": goal},
        "delights": [{"text": delight}],
        "mediaPreferences": [{"channel": channel, "weight": 0.8}],
    }


PERSONAS = [
    _persona(
        "value", "who counts", "value", "To be sure that nothing is paid twice.", "One price, told at once.", "web"
    ),
    _persona("quality", "who keeps things", "quality", "To need nothing new for years.", "To touch it first.", "shop"),
    _persona("gift", "who gives", "gift", "To be thanked for having listened.", "It is there in time.", "app"),
]


def _touchpoint(key: str, name: str, rule: str, channel: str = "web") -> Json:
    return {"key": key, "name": name, "channel": channel, "recognisedBy": rule}


def _phase(key: str, name: str, *touchpoints: Json, mandatory: bool = True) -> Json:
    return {"key": key, "name": name, "mandatory": mandatory, "touchpoints": list(touchpoints)}


_STEP = 'name in ["Checkout Step Viewed", "Checkout Step Completed"] && properties.step == '

CHECKOUT_MAP: Json = {
    "key": CHECKOUT,
    "name": "Simulated shop: the checkout",
    "customerGoal": "To have it ordered before the kettle boils.",
    "personas": [persona["key"] for persona in PERSONAS],
    "goal": 'name == "Order Completed" && channel != "shop"',
    "scope": 'name in ["Live Chat Conversation Started", "Payment Failed"]',
    "patience": "PT2M",  # who is silent for so long in the middle of a checkout has left it
    "phases": [
        _phase(
            "cart",
            "Cart",
            _touchpoint("reminder-clicked", "Comes back by the mail", 'name == "Email Link Clicked"', "email"),
            _touchpoint("product-added", "Puts a product in the cart", 'name == "Product Added"'),
            _touchpoint("cart-viewed", "Looks in the cart", 'name == "Cart Viewed"'),
        ),
        _phase("details", "Details", _touchpoint("checkout-started", "Checks out", 'name == "Checkout Started"')),
        _phase("delivery", "Delivery", _touchpoint("delivery-step", "Chooses delivery", _STEP + "2")),
        _phase(
            "payment",
            "Payment",
            _touchpoint("payment-step", "Chooses how to pay", _STEP + "3"),
            _touchpoint("payment-entered", "Pays", 'name == "Payment Info Entered"'),
        ),
        _phase(
            "ordered",
            "Ordered",
            _touchpoint("order-completed", "Orders", 'name == "Order Completed" && channel != "shop"'),
        ),
    ],
    "dropOffReasons": [
        {"reason": "PAYMENT_OPTIONS", "when": f'name == "Payment Failed" || ({_STEP}3)'},
        {"reason": "DELIVERY_TIME", "when": f"{_STEP}2 && properties.delivery_days > 5"},
        {"reason": "EXTRA_COST", "when": 'name == "Checkout Started" && properties.shipping > 0'},
        {"reason": "UNCLEAR_INFORMATION", "when": 'name == "Live Chat Conversation Started"'},
    ],
    "hypotheses": [
        {
            "key": "payment-stops-people",
            "statement": "Four in ten of those who leave the checkout miss their way to pay.",
            "measure": "share with reason PAYMENT_OPTIONS",
            "claim": 0.4,
        },
        {
            "key": "delivery-cost-is-accepted",
            "statement": "Hardly anybody leaves because of what delivery costs.",
            "measure": "share with reason EXTRA_COST",
            "claim": 0.05,
        },
    ],
}
"""Both of its beliefs are wrong, which the platform is to show."""

SERVICE_MAP: Json = {
    "key": SERVICE,
    "name": "Simulated shop: service",
    "customerGoal": "To tell it once, and to have it solved.",
    "personas": [persona["key"] for persona in PERSONAS],
    "goal": 'name == "Support Ticket Solved"',
    "instanceKey": "properties.ticket_id",
    "patience": "P7D",
    "phases": [
        _phase(
            "asking",
            "Asking",
            _touchpoint("ticket-opened", "Writes", 'name == "Support Ticket Opened"', "email"),
            _touchpoint("service-called", "Calls", 'name == "Call Answered"', "phone"),
        ),
        _phase("solved", "Solved", _touchpoint("ticket-solved", "It is solved", 'name == "Support Ticket Solved"')),
    ],
    "dropOffReasons": [{"reason": "DELIVERY_TIME", "when": 'properties.about == "delivery"'}],
    "hypotheses": [],
}
