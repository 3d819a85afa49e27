"""The personas service goes away: everything else goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.platform import four_processes, until
from tests.support.stories import shop_journey

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

QUERY = '{ journey(key: "shop") { name personas { key } } }'


def test_a_journey_is_told_without_its_personas(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.graphql('mutation { savePersona(input: {key: "family", name: "Family"}) { errors { code } } }')
        platform.publish(shop_journey("shop", personas=["family"]))
        assert platform.graphql(QUERY)["journey"] == {"name": "Shop", "personas": [{"key": "family"}]}
        platform.processes["personas"].kill()
        answer = platform.graphql_answer(QUERY)
        assert answer["data"] == {"journey": {"name": "Shop", "personas": None}}
        assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (["journey", "personas"], "UPSTREAM_UNAVAILABLE")
        ]
        platform.processes["personas"].start()
        platform.processes["personas"].wait_ready()
        assert platform.graphql(QUERY)["journey"] == {"name": "Shop", "personas": [{"key": "family"}]}


SAVE = """mutation ($key: String!, $matches: String!) {
    savePersona(input: {key: $key, name: "Persona", matches: $matches}) { errors { code } } }"""
PUBLISH = "mutation ($key: String!) { publishPersona(key: $key) { pending persona { version } errors { code } } }"
WHO = """query ($position: Position) { customer(identifier: {type: "user_id", value: "ada"}, position: $position) {
    persona { personaKey version fit because { events { name } } persona { name } }
    instances { edges { node { phase { key } } } } } }"""


def test_who_customers_are_is_known_while_personas_is_away(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.publish(shop_journey("shop"))
        platform.graphql(SAVE, key="viewer", matches='seen("Product Viewed", "P1D")')
        published = platform.graphql(PUBLISH, key="viewer")["publishPersona"]
        assert published == {"pending": False, "persona": {"version": 1}, "errors": []}
        platform.processes["personas"].stop()
        platform.processes["journeys"].stop()
        # Events goes on by what it has taken over: also for who comes only now.
        viewed = platform.send("/v1/track", {"userId": "ada", "event": "Product Viewed"})
        answer = platform.graphql_answer(WHO, position=viewed.json()["position"])
        assert answer["data"]["customer"] == {
            "persona": {
                "personaKey": "viewer",
                "version": 1,
                "fit": 1.0,
                "because": [{"events": [{"name": "Product Viewed"}]}],
                "persona": None,
            },
            "instances": {"edges": [{"node": {"phase": {"key": "look"}}}]},
        }
        assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (["customer", "persona", "persona"], "UPSTREAM_UNAVAILABLE")
        ]
        platform.processes["personas"].start()
        platform.processes["personas"].wait_ready()
        assert platform.graphql(WHO)["customer"]["persona"]["persona"] == {"name": "Persona"}


def test_what_events_does_not_acknowledge_is_pulled_later(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        viewed = platform.send("/v1/track", {"userId": "ada", "event": "Product Viewed"})
        assert platform.graphql(WHO, position=viewed.json()["position"])["customer"]["persona"] is None
        platform.graphql(SAVE, key="viewer", matches='seen("Product Viewed", "P1D")')
        platform.processes["events"].pause()
        # The gateway knows who asks for some seconds: it does not need events for this.
        published = platform.graphql(PUBLISH, key="viewer")["publishPersona"]
        assert published == {"pending": True, "persona": {"version": 1}, "errors": []}
        platform.processes["events"].resume()
        found = until(lambda: platform.graphql(WHO)["customer"]["persona"], 30, "the persona pulled")
        assert (found["personaKey"], found["version"]) == ("viewer", 1)
