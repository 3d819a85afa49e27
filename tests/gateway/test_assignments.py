"""Who a customer is thought to be, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.documents import assignment, customer, event, persona
from tests.gateway.harness import Gateway

Json = dict[str, Any]
FIND, ASSIGNED = "POST /internal/customers/find", "POST /internal/personas/of-customers"
QUERY = """{ customer(identifier: {type: "user_id", value: "u1"}) { persona {
    personaKey version fit persona { key name version } because { text rule modelVersion events { messageId } }
} } }"""
BECAUSE = {
    "text": 'The rule of persona "commuter" holds.',
    "rule": "traits.commutes",
    "modelVersion": 1,
    "events": [{"messageId": "m-e2"}, {"messageId": "m-e1"}],
}


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    api.events.answers[FIND] = lambda _: {"customers": [customer()]}
    api.events.answers[ASSIGNED] = lambda _: {"assignments": [assignment("commuter", "e2", "gone", "e1", fit=0.5)]}
    api.events.answers["POST /internal/events/read"] = lambda body: {
        "events": [None if id == "gone" else event(id) for id in body["ids"]]
    }
    api.personas.answers["POST /internal/personas/read"] = lambda body: {
        "personas": [persona(item["key"], version=item["version"]) for item in body["items"]]
    }


async def test_the_version_that_was_assigned_with_its_reasons(api: Gateway) -> None:
    assert (await api.data(QUERY))["customer"]["persona"] == {
        "personaKey": "commuter",
        "version": 1,
        "fit": 0.5,
        "persona": {"key": "commuter", "name": "Commuter", "version": 1},
        "because": [BECAUSE],
    }
    assert api.events.bodies("/internal/personas/of-customers") == [{"customers": ["k1"]}]
    assert api.personas.bodies("/internal/personas/read") == [
        {"items": [{"key": "commuter", "version": 1, "draft": False}]}
    ]


async def test_whom_no_persona_means_has_none(api: Gateway) -> None:
    api.events.answers[ASSIGNED] = lambda _: {"assignments": [None]}
    assert await api.data(QUERY) == {"customer": {"persona": None}}
    assert api.personas.calls == []


async def test_while_personas_is_away_the_rest_is_told(api: Gateway) -> None:
    api.personas.away = True
    answer = await api.ask(QUERY)
    assert answer["data"]["customer"]["persona"] == {
        "personaKey": "commuter",
        "version": 1,
        "fit": 0.5,
        "persona": None,
        "because": [BECAUSE],
    }
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
        (["customer", "persona", "persona"], {"code": "UPSTREAM_UNAVAILABLE"})
    ]


async def test_a_key_that_may_not_read_models_is_told_which_persona_it_is(api: Gateway) -> None:
    answer = await api.ask(QUERY, key="sk_bare")
    told: Json = answer["data"]["customer"]["persona"]
    assert (told["personaKey"], told["persona"], told["because"]) == ("commuter", None, [BECAUSE | {"rule": None}])
    assert {(error["path"][-1], error["extensions"]["code"]) for error in answer["errors"]} == {
        ("persona", "FORBIDDEN"),
        ("rule", "FORBIDDEN"),
    }
