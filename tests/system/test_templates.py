"""From a template to live journeys: a shop that already sends Segment's events needs no more than two calls."""

from __future__ import annotations

import time

import pytest

from tests.support.platform import Platform
from tests.support.shop_days import SHOP_DAY
from tests.support.stories import ago, customer_of, instances_of, segment_client, unique

CREATE = """
mutation($template: String!, $key: String!) {
  createJourneyFromTemplate(template: $template, key: $key, name: "Onze winkel", language: NL) {
    journey { key status phases { key name } }
    errors { code message path }
    warnings { code message path }
  }
}
"""
PUBLISH = "mutation($key: String!) { publishJourney(key: $key) { pending journey { version } errors { code } } }"
WITHIN = 60.0
"""Seconds from publishing to live journeys, as promised."""


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("five-stations", {"purchase": "Aanschaf", "consideration": "Afweging"}),
        ("nine-phases", {"purchase": "Koop", "consideration": "Overweging"}),
    ],
)
def test_a_shop_that_already_sends_events_sees_live_journeys_at_once(
    platform: Platform, template: str, names: dict[str, str]
) -> None:
    # Given a shop whose customers have been sending Segment's events all day
    errors: list[Exception] = []
    client = segment_client(platform, errors)
    users = {customer: unique("user") for customer in ("anna buys", "bram saves it for later")}
    for customer, user in users.items():
        for number, (event, properties) in enumerate(SHOP_DAY[customer]):
            client.track(user, event, properties, timestamp=ago(minutes=60 - number))
    client.shutdown()
    assert errors == []
    # When a marketer takes a template and publishes it
    key = unique("shop")
    made = platform.graphql(CREATE, template=template, key=key)["createJourneyFromTemplate"]
    assert (made["errors"], made["warnings"], made["journey"]["status"]) == ([], [], "DRAFT")
    began = time.monotonic()
    published = platform.graphql(PUBLISH, key=key)["publishJourney"]
    assert published == {"pending": False, "journey": {"version": 1}, "errors": []}
    # Then everybody is where their behaviour put them, in the marketer's words
    platform.settle(WITHIN)
    assert time.monotonic() - began < WITHIN
    found = {}
    for customer, user in users.items():
        known = customer_of(platform, "user_id", user)
        assert known is not None
        [found[customer]] = [one for one in instances_of(known) if one["journeyKey"] == key]
    assert {name: (one["status"], one["phase"], one["key"]) for name, one in found.items()} == {
        "anna buys": ("COMPLETED", {"key": "purchase", "name": names["purchase"]}, "A-1"),
        "bram saves it for later": ("PAUSED", {"key": "consideration", "name": names["consideration"]}, None),
    }
    listed = platform.graphql("{ journeys(first: 100, status: PUBLISHED) { edges { node { key name } } } }")["journeys"]
    assert {"key": key, "name": "Onze winkel"} in [edge["node"] for edge in listed["edges"]]


def test_what_a_template_shows_can_be_changed_and_saved(platform: Platform) -> None:
    shown = platform.graphql("{ journeyTemplates(language: NL) { key journey } }")["journeyTemplates"]
    journey = shown[0]["journey"] | {"key": unique("shop"), "patience": "P45D", "baseRevision": 0}
    saved = platform.graphql(
        """mutation($input: JourneyInput!) {
             saveJourney(input: $input) { journey { revision patience } errors { code } warnings { code } }
           }""",
        input=journey,
    )["saveJourney"]
    assert saved == {"journey": {"revision": 1, "patience": "P45D"}, "errors": [], "warnings": []}
