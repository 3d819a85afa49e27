"""Stories of a shop that lets its frontend speak for one customer, and of somebody who pretends to be another."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform
from tests.support.stories import shop_journey, unique

Json = dict[str, Any]
MINT = """mutation ($type: String!, $value: String!) {
    mintCustomerToken(identifier: {type: $type, value: $value}, lifetime: "PT10M") { token errors { code } } }"""
ME = """query ($position: Position) { me(position: $position) {
    identifiers { type value trust } traits
    timeline { edges { node { name } } }
    instances { edges { node { journeyKey status phase { key } } } } } }"""
RECORD = """mutation ($name: String!, $identifiers: [IdentifierInput!]!) {
    recordEvents(events: [{messageId: "%s", name: $name, identifiers: $identifiers}]) { accepted position } }"""


def mint(platform: Platform, type: str, value: str) -> str:
    minted = platform.graphql(MINT, type=type, value=value)["mintCustomerToken"]
    assert minted["errors"] == []
    token: str = minted["token"]
    return token


def ask(platform: Platform, token: str, query: str, **variables: Any) -> Json:
    """The data of an answer to a frontend."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"query": query, "variables": variables}
    answer: Json = platform.client.post(platform.graphql_url, json=body, headers=headers).json()
    assert "errors" not in answer, answer
    data: Json = answer["data"]
    return data


def record(platform: Platform, token: str, name: str, **identifier: str) -> str:
    """Records an event that names nobody, or somebody else; its position."""
    named = [identifier] if identifier else []
    recorded = ask(platform, token, RECORD % unique("m"), name=name, identifiers=named)["recordEvents"]
    assert recorded["accepted"] == 1
    position: str = recorded["position"]
    return position


def test_a_shop_page_speaks_for_the_customer_who_logged_in(platform: Platform) -> None:
    journey, prefix, visitor, user = unique("shop"), unique("x"), unique("anon"), unique("user")
    platform.publish(shop_journey(journey, prefix))
    # Given a visitor who looked around, and whom the shop's server knows since the login
    platform.send("/v1/track", {"anonymousId": visitor, "event": f"{prefix}Product Viewed"})
    platform.graphql(
        'mutation ($ids: [IdentifierInput!]!) { identify(identifiers: $ids, traits: {plan: "gold"}) { position } }',
        ids=[{"type": "user_id", "value": user}, {"type": "anonymous_id", "value": visitor}],
    )
    # When the page records that the checkout has begun, and asks where its customer stands
    token = mint(platform, "user_id", user)
    position = record(platform, token, f"{prefix}Checkout Started")
    me = ask(platform, token, ME, position=position)["me"]
    # Then it reads the whole journey, the time before the login included
    assert me == {
        "identifiers": [
            {"type": "user_id", "value": user, "trust": "VERIFIED"},
            {"type": "anonymous_id", "value": visitor, "trust": "VERIFIED"},
        ],
        "traits": {"plan": "gold"},
        "timeline": {
            "edges": [
                {"node": {"name": f"{prefix}Checkout Started"}},
                {"node": {"name": "Identify"}},
                {"node": {"name": f"{prefix}Product Viewed"}},
            ]
        },
        "instances": {"edges": [{"node": {"journeyKey": journey, "status": "ACTIVE", "phase": {"key": "buy"}}}]},
    }


def test_who_claims_to_be_somebody_else_reads_nothing_of_them(platform: Platform) -> None:
    victim, attacker, visitor = unique("victim"), unique("attacker"), unique("anon")
    email = f"{victim}@example.org"
    # Given a victim whom the shop knows
    platform.graphql(
        'mutation ($ids: [IdentifierInput!]!) { identify(identifiers: $ids, traits: {plan: "gold"}) { position } }',
        ids=[{"type": "user_id", "value": victim}, {"type": "email", "value": email}],
    )
    # When somebody claims by every call there is, with the website's key, to be them
    identify = {"userId": victim, "anonymousId": visitor, "traits": {"plan": "pwned"}}
    platform.send("/v1/identify", identify)
    platform.send("/v1/identify", {"userId": attacker, "anonymousId": visitor, "traits": {"email": email}})
    platform.send("/v1/alias", {"userId": attacker, "previousId": victim})
    platform.send("/v1/alias", {"userId": victim, "previousId": attacker})
    platform.send("/v1/track", {"userId": victim, "anonymousId": visitor, "event": "Pretended"})
    # And even with the token that the shop gives them for their own account
    own, browser = mint(platform, "user_id", attacker), mint(platform, "anonymous_id", visitor)
    record(platform, own, "Seen")
    record(platform, own, "Linked", type="user_id", value=victim)
    record(platform, own, "Linked", type="email", value=email)
    position = record(platform, browser, "Linked", type="user_id", value=victim)
    # Then they read what they did themselves, and the victim reads nothing of it
    told = {token: ask(platform, token, ME, position=position)["me"] for token in (own, browser)}
    assert told[own]["identifiers"] == [{"type": "user_id", "value": attacker, "trust": "VERIFIED"}]
    assert [edge["node"]["name"] for edge in told[own]["timeline"]["edges"]] == ["Seen"]
    assert told[browser] is None
    for type, value in (("user_id", victim), ("email", email)):
        me = ask(platform, mint(platform, type, value), ME, position=position)["me"]
        assert ([one["value"] for one in me["identifiers"]], me["traits"]) == ([victim, email], {"plan": "gold"})
        assert [edge["node"]["name"] for edge in me["timeline"]["edges"]] == ["Identify"]
