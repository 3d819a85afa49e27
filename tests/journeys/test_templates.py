"""Templates: complete in both languages, and true to what a shop's customers do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from services.journeys.domain import Judgement, judge, require_publishable
from services.journeys.schemas import JourneyInput
from services.journeys.templates import Language, Template, templates
from tests.journeys.builders import journey
from tests.journeys.conftest import House
from tests.support.histories import DAY, EPOCH, plain_event, product_fold
from tests.support.shop_days import SHOP_DAY

Json = dict[str, Any]
KEYS = [
    "five-stations",
    "nine-phases",
    "expectations-experiences-engagement",
    "touch-tell-sell-care",
    "reach-engage-activate-nurture",
]
PROSE = {"name", "customerGoal", "expectation", "text", "statement", "owner"}
ONLINE = {"web", "email", "social", "video", "comparison", "review", "chat", "messenger", "app"}
OFFLINE = {"shop", "phone", "fair", "post"}


def template(key: str, language: Language = Language.EN) -> Template:
    [found] = [one for one in templates(language) if one.key == key]
    return found


def texts(value: Any, place: str = "") -> dict[str, str]:
    """What people read, by its place in the journey."""
    if isinstance(value, list):
        return {
            where: text for number, item in enumerate(value) for where, text in texts(item, f"{place}.{number}").items()
        }
    if not isinstance(value, dict):
        return {}
    own = {f"{place}.{name}": item for name, item in value.items() if name in PROSE}
    inner = {where: text for name, item in value.items() for where, text in texts(item, f"{place}.{name}").items()}
    return own | inner


def without_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    if isinstance(value, dict):
        return {name: without_texts(item) for name, item in value.items() if name not in PROSE}
    return value


@pytest.mark.parametrize("language", Language)
def test_the_templates_are_those_promised(language: Language) -> None:
    assert [one.key for one in templates(language)] == KEYS
    assert all(one.language is language and one.journey["key"] == one.key for one in templates(language))


def test_the_phases_have_the_names_that_dutch_marketers_know() -> None:
    assert [[phase["name"] for phase in template(key, Language.NL).journey["phases"]] for key in KEYS[:2]] == [
        ["Oriëntatie", "Afweging", "Aanschaf", "Gebruik", "Retentie en loyaliteit"],
        [
            "Latente en concrete behoefte",
            "Oriëntatie",
            "Overweging",
            "Beslismoment",
            "Koop",
            "Levering",
            "Gebruik",
            "Loyaliteit",
            "Ambassadeur",
        ],
    ]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", KEYS)
def test_it_is_valid_without_a_warning(key: str, language: Language) -> None:
    model = JourneyInput.model_validate(template(key, language).journey).judged()
    assert judge(model) == Judgement((), ())
    require_publishable(model)


@pytest.mark.parametrize("key", KEYS)
def test_its_languages_differ_in_texts_only(key: str) -> None:
    english, dutch = template(key), template(key, Language.NL)
    assert without_texts(english.journey) == without_texts(dutch.journey)
    said, gezegd = texts(english.journey), texts(dutch.journey)
    assert said.keys() == gezegd.keys()
    assert all(text.strip() == text and text for text in [*said.values(), *gezegd.values()])
    alike = {said[place] for place in said if said[place] == gezegd[place]}
    assert alike <= {"Marketing", "Webcare", "Track and trace", "Touch, tell, sell, care"}


@pytest.mark.parametrize("key", KEYS)
def test_it_is_complete(key: str) -> None:
    phases = template(key).journey["phases"]
    for phase in phases:
        assert {"thoughts", "pains", "delights", "opportunities"} == {lane["lane"] for lane in phase["lanes"]}
        assert phase["touchpoints"] and phase["means"] and phase["expectation"] and phase["customerGoal"]
    places = [touchpoint for phase in phases for touchpoint in phase["touchpoints"]]
    channels = {one["channel"] for one in places} | {one["channel"] for phase in phases for one in phase["means"]}
    assert channels >= ONLINE | OFFLINE
    reasons = {rule["reason"] for rule in template(key).journey["dropOffReasons"]}
    assert reasons == {
        "EXTRA_COST",
        "PAYMENT_OPTIONS",
        "DELIVERY_TIME",
        "UNCLEAR_INFORMATION",
        "NEW_CIRCUMSTANCES",
        "OTHER",
    }


def test_the_reference_names_every_template_and_every_touchpoint_with_its_rule() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "journey-templates.md").read_text()
    rows = [
        tuple(cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        for line in text.split("\n")
    ]
    maps = [template(key).journey for key in KEYS]
    for drawn in maps:
        assert (f"`{drawn['key']}`", ", ".join(f"`{phase['key']}`" for phase in drawn["phases"])) in rows
    assert {row for row in rows if len(row) == 4 and row[0].startswith("`")} == {
        (f"`{one['key']}`", one["name"], one["channel"], f"`{one['recognisedBy']}`")
        for drawn in maps
        for phase in drawn["phases"]
        for one in phase["touchpoints"]
    }


# The phases in which a customer browses, looks at one product, fills the cart, orders, receives and reviews.
PHASES = {
    "five-stations": ("orientation", "consideration", "consideration", "purchase", "use", "loyalty"),
    "nine-phases": ("orientation", "consideration", "decision", "purchase", "delivery", "advocacy"),
    "expectations-experiences-engagement": (
        "expectations",
        "expectations",
        "experiences",
        "experiences",
        "experiences",
        "engagement",
    ),
    "touch-tell-sell-care": ("tell", "tell", "sell", "sell", "care", "care"),
    "reach-engage-activate-nurture": ("engage", "engage", "activate", "activate", "nurture", "nurture"),
}


def lived(key: str, customer: str, day: float) -> list[tuple[str, str, str | None, str | None]]:
    """(status, phase, key, reason of drop-off) of the instances that a customer of the shop day has by then."""
    events = [
        plain_event(
            f"m-{number:02}",
            name,
            EPOCH + number * 600_000_000,
            properties=properties,
            channel=None if number % 2 else "web",
        )
        for number, (name, properties) in enumerate(SHOP_DAY[customer])
    ]
    found = product_fold([template(key).journey | {"version": 1}], events, EPOCH + round(day * DAY))
    return [
        (one["status"], one["phase"], one["key"], one["dropOff"]["reason"] if one["dropOff"] else None) for one in found
    ]


@pytest.mark.parametrize("key", KEYS)
def test_on_the_evening_of_a_shop_day_everybody_is_where_they_should_be(key: str) -> None:
    _, product, _, bought, received, reviewed = PHASES[key]
    assert {customer: lived(key, customer, 1) for customer in SHOP_DAY} == {
        "anna buys": [("COMPLETED", bought, "A-1", None)],
        "bram saves it for later": [("PAUSED", product, None, None)],
        "carla finds delivery too dear": [("ACTIVE", bought, "C-1", None)],
        "daan cannot pay his way": [("ACTIVE", bought, "D-1", None)],
        "eva is not told when it comes": [("ACTIVE", bought, "E-1", None)],
        "finn has a question": [("ACTIVE", product, None, None)],
        "gijs is told twice, and cancelled": [("CANCELLED", bought, "G-1", "DELIVERY_TIME")],
        "hanna sends it back": [("RETURNED", received, "H-1", "UNCLEAR_INFORMATION")],
        "ivo buys and looks again": [("COMPLETED", bought, "I-1", None), ("ACTIVE", product, None, None)],
        "jet receives and tells": [("COMPLETED", reviewed, "J-1", None)],
    }


@pytest.mark.parametrize("key", KEYS)
def test_after_two_silent_months_who_left_has_a_reason(key: str) -> None:
    customers = [customer for customer in SHOP_DAY if lived(key, customer, 1)[0][0] in ("ACTIVE", "PAUSED")]
    assert {customer: [one[0::3] for one in lived(key, customer, 61)] for customer in customers} == {
        "bram saves it for later": [("PAUSED", None)],
        "carla finds delivery too dear": [("ABANDONED", "EXTRA_COST")],
        "daan cannot pay his way": [("ABANDONED", "PAYMENT_OPTIONS")],
        "eva is not told when it comes": [("ABANDONED", "DELIVERY_TIME")],
        "finn has a question": [("ABANDONED", "UNCLEAR_INFORMATION")],
    }


@pytest.mark.parametrize("key", KEYS)
def test_every_step_of_a_purchase_is_on_the_map(key: str) -> None:
    browsing, product, cart, bought, *_ = PHASES[key]
    events = [
        plain_event(f"m-{number:02}", name, EPOCH + number, properties=properties)
        for number, (name, properties) in enumerate(SHOP_DAY["anna buys"])
    ]
    [instance] = product_fold([template(key).journey | {"version": 1}], events, EPOCH + DAY)
    steps = {touchpoint: phase for _, touchpoint, phase, _ in instance["steps"]}
    assert len(instance["steps"]) == len(events)
    assert steps | {"promotion-viewed": "", "coupon-applied": ""} == {
        "promotion-viewed": "",
        "products-searched": browsing,
        "list-viewed": browsing,
        "product-clicked": browsing,
        "product-viewed": product,
        "product-added": cart,
        "cart-viewed": cart,
        "coupon-applied": "",
        "checkout-started": bought,
        "checkout-step": bought,
        "payment-entered": bought,
        "order-completed": bought,
    }


@pytest.mark.parametrize(
    ("event", "touchpoint"),
    [
        ({"kind": "page", "name": "Home", "context": {"campaign": {"medium": "cpc"}}}, "advertisement-clicked"),
        ({"kind": "page", "name": "Home", "context": {"campaign": {"medium": "social"}}}, "social-visit"),
        (
            {"kind": "page", "name": "Home", "context": {"page": {"referrer": "https://www.google.com/"}}},
            "search-visit",
        ),
        (
            {"kind": "page", "name": "Home", "context": {"page": {"referrer": "https://www.kieskeurig.nl/x"}}},
            "comparison-visit",
        ),
        ({"kind": "page", "name": "Home", "context": {"page": {"referrer": "https://shop.example/"}}}, None),
        ({"name": "Email Link Clicked", "context": {"campaign": {"medium": "social"}}}, "newsletter-clicked"),
        ({"name": "Order Completed", "channel": "shop", "properties": {"order_id": "S-1"}}, "store-purchase"),
        ({"name": "Order Completed", "properties": {"order_id": 7}}, "order-completed"),
        ({"name": "Store Visited"}, "store-visited"),
        ({"name": "Call Answered", "channel": "phone"}, "service-called"),
    ],
)
def test_how_customers_come_in(event: Json, touchpoint: str | None) -> None:
    plain = plain_event("m", event["name"], EPOCH, **{name: item for name, item in event.items() if name != "name"})
    for key in KEYS:
        found = product_fold([template(key).journey | {"version": 1}], [plain], EPOCH)
        assert [one["touchpoint"] for one in found] == ([] if touchpoint is None else [touchpoint])


async def create(house: House, **wanted: Any) -> Any:
    body = {"template": "five-stations", "key": "my-shop", "name": "Mijn winkel"} | wanted
    return await house.call("POST", "/internal/journeys/from-template", body)


async def test_templates_are_listed_in_the_language_asked_for(house: House) -> None:
    for query, name in (("", "Five stations"), ("?language=EN", "Five stations"), ("?language=NL", "Vijf stations")):
        answer = await house.call("GET", f"/internal/journey-templates{query}")
        assert (answer.status_code, answer.json()["templates"][0]["name"]) == (200, name)
    assert (await house.call("GET", "/internal/journey-templates?language=DE")).status_code == 422


@pytest.mark.parametrize("key", KEYS)
async def test_a_journey_made_from_a_template_is_a_draft_like_any_other(house: House, key: str) -> None:
    made = (await create(house, template=key, language="NL")).json()
    assert made["warnings"] == []
    draft = made["journey"]
    assert (draft["key"], draft["name"], draft["revision"], draft["status"]) == ("my-shop", "Mijn winkel", 1, "DRAFT")
    dutch = template(key, Language.NL).journey
    assert [phase["name"] for phase in draft["phases"]] == [phase["name"] for phase in dutch["phases"]]
    assert await house.read({"key": "my-shop"}) == [draft]
    saved = await house.save(dutch | {"key": "my-shop", "baseRevision": 1})  # what the list shows can be saved
    assert saved.json()["journey"] == draft | {"revision": 2, "name": dutch["name"]}
    assert (await house.publish("my-shop")).json()["journey"]["version"] == 1


async def test_a_template_never_replaces_a_journey(house: House) -> None:
    await house.save(journey("my-shop"))
    refused = await create(house)
    assert refused.status_code == 409
    assert [(flaw["code"], flaw["path"]) for flaw in refused.json()["errors"]] == [("CONFLICT", ["key"])]
    [draft] = await house.read({"key": "my-shop"})
    assert (draft["name"], draft["revision"]) == ("Order a bicycle", 1)


@pytest.mark.parametrize(
    ("wanted", "status", "error"),
    [
        ({"template": "ten-steps"}, 404, ("NOT_FOUND", ["template"])),
        ({"key": "My Shop"}, 422, ("INVALID_VALUE", ["key"])),
        ({"name": ""}, 422, ("INVALID_VALUE", ["name"])),
        ({"language": "DE"}, 422, ("INVALID_VALUE", ["language"])),
    ],
)
async def test_what_cannot_be_made_is_refused_with_its_place(
    house: House, wanted: Json, status: int, error: tuple[str, list[str]]
) -> None:
    refused = await create(house, **wanted)
    assert refused.status_code == status
    assert [(flaw["code"], flaw["path"]) for flaw in refused.json()["errors"]] == [error]
    assert await house.read({"key": "my-shop"}) == [None]
