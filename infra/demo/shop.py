"""The simulated shop: what it sells, and how likely people are to do what, with the reasons. Pure data.

These numbers are the truths that the platform is to find again. Shares lie between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Source(StrEnum):
    """The systems that send events; the values are keys of sources."""

    WEBSITE = "sim-website"
    APP = "sim-app"
    MAIL = "sim-mail"
    CALLS = "sim-call-centre"
    STORE = "sim-store"


@dataclass(frozen=True, slots=True)
class Device:
    source: Source
    kind: str
    """As the platform tells devices apart."""
    context: Mapping[str, object] = field(compare=False)


PHONE = Device(
    Source.WEBSITE,
    "mobile",
    {
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.5 Mobile/15E148 Safari/604.1"
    },
)
LAPTOP = Device(
    Source.WEBSITE,
    "desktop",
    {"userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
)
APP = Device(Source.APP, "mobile", {"device": {"type": "android"}})
DEVICES: Mapping[Device, float] = {PHONE: 0.48, LAPTOP: 0.37, APP: 0.15}
OTHER_DEVICE: Mapping[str, Device] = {"mobile": LAPTOP, "desktop": PHONE}


class Product(NamedTuple):
    sku: str
    name: str
    category: str
    price: float
    """In euros."""


PRODUCTS = (
    Product("SCH-01", "Wandelschoen Heuvelrug", "Schoenen", 89.95),
    Product("SCH-02", "Canvas sneaker Kade", "Schoenen", 44.95),
    Product("JAS-01", "Regenjas Miezer", "Jassen", 74.95),
    Product("JAS-02", "Wollen jas Noorderlicht", "Jassen", 139.95),
    Product("TAS-01", "Fietstas Twee Heuvels", "Tassen", 39.95),
    Product("TAS-02", "Rugzak Overstap", "Tassen", 54.95),
    Product("WON-01", "Reading lamp Dusk", "Wonen", 32.50),
    Product("WON-02", "Linen bedding Breeze", "Wonen", 64.50),
)
DELIVERY_COST = 5.95
"""In euros, on every order: more than a tenth of the smaller ones, and said in the checkout only."""


class Intent(StrEnum):
    BROWSE = "looks around and leaves"
    BUY = "fills a cart"
    STORE = "looks on the web what the store has"
    WISH = "puts it on the wish list, and comes back or not"


INTENTS: Mapping[Intent, float] = {Intent.BROWSE: 0.32, Intent.BUY: 0.46, Intent.STORE: 0.14, Intent.WISH: 0.08}


class Leaving(StrEnum):
    """Why a cart is left where it is; the values are the platform's reasons of drop-off."""

    DOUBT = "UNKNOWN"
    QUESTION = "UNCLEAR_INFORMATION"
    COST = "EXTRA_COST"
    DELIVERY = "DELIVERY_TIME"
    PAYMENT = "PAYMENT_OPTIONS"


# A phone shows one thing at a time: what delivery costs comes as a surprise there. On a laptop it stands beside it.
LEAVING: Mapping[str, Mapping[Leaving, float]] = {
    "mobile": {
        Leaving.DOUBT: 0.10,
        Leaving.QUESTION: 0.04,
        Leaving.COST: 0.27,
        Leaving.DELIVERY: 0.08,
        Leaving.PAYMENT: 0.06,
    },
    "desktop": {
        Leaving.DOUBT: 0.09,
        Leaving.QUESTION: 0.05,
        Leaving.COST: 0.05,
        Leaving.DELIVERY: 0.08,
        Leaving.PAYMENT: 0.06,
    },
}
# Shoes cannot be tried on before they are there.
RETURNS: Mapping[str, float] = {"Schoenen": 0.36, "Jassen": 0.10, "Tassen": 0.05, "Wonen": 0.04}
RETURN_REASONS: Mapping[str, Mapping[str, float]] = {
    "Schoenen": {"size_too_small": 0.6, "size_too_large": 0.3, "unwanted": 0.1},
    "Jassen": {"color": 0.5, "unwanted": 0.5},
    "Tassen": {"not_as_described": 0.5, "unwanted": 0.5},
    "Wonen": {"color": 0.6, "unwanted": 0.4},
}
WHY_UNDONE: Mapping[str, str] = {
    "late": "DELIVERY_TIME",
    "size_too_small": "UNCLEAR_INFORMATION",
    "size_too_large": "UNCLEAR_INFORMATION",
    "not_as_described": "UNCLEAR_INFORMATION",
    "color": "UNCLEAR_INFORMATION",
    "unwanted": "NEW_CIRCUMSTANCES",
}
"""What a reason of a cancellation or refund counts as, on maps made of the platform's templates."""

SECOND_DEVICE = 0.30
"""Of those with a cart: looked on another device first, left a mail address there, and log in on the second."""
BUYS_IN_STORE = 0.65
COMES_BACK_FOR_WISH = 0.40
CLICKS_REMINDER = 0.35
"""Of those who left a cart and whose mail address is known; then they order more often than before."""
ORDERS_AFTER_REMINDER = 0.7
LATE = 0.12
"""Parcels that come four days later than was promised."""
CANCELS_WHEN_LATE = 0.25
COMPLAINS_WHEN_LATE = 0.6
COMPLAINS_BY_PHONE = 0.45
CALLS_AFTER_MAIL = 0.4
SOLVED = 0.88
REVIEWS = 0.18
COMES_AGAIN = 0.15
SEGMENTS: Mapping[str, float] = {"value": 0.5, "quality": 0.3, "gift": 0.2}
"""What customers say matters to them when they log in; personas are recognised by it."""

OPENS = 9
"""The hour of the shop's clock at which the demo begins: at night there would be little to see."""
HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 9, 8, 8, 8, 8, 9, 11, 13, 14, 12, 8, 3)
"""How many come in each hour of the shop's day, relative to one another: most in the evening."""
