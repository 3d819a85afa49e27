"""Stories of a shop that lets its frontend speak for one customer, and of somebody who pretends to be another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from tests.gateway.streams.clients import gql_answers, gql_session, multipart_answers, sse_answers
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

FOLLOW = """subscription ($after: Position) { instanceChanged(after: $after) {
    previousStatus instance { journeyKey status phase { key } customer { traits } } } }"""
HEAR = """subscription ($after: Position) { eventRecorded(after: $after) {
    name identifiers { value } instances { status } } }"""
PLACE = "{ projection { position } }"
_SECONDS = 30


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


def over_sse(platform: Platform, token: str, query: str, after: str) -> AsyncGenerator[Json, None]:
    return sse_answers(f"{platform.graphql_url}/stream", query, key=token, variables={"after": after})


async def over_multipart(platform: Platform, token: str, query: str, after: str) -> AsyncGenerator[Json, None]:
    async for part in multipart_answers(platform.graphql_url, query, key=token, variables={"after": after}):
        yield part["payload"]


async def over_websocket(platform: Platform, token: str, query: str, after: str) -> AsyncGenerator[Json, None]:
    async with gql_session(platform.graphql_url.replace("http:", "ws:"), token) as session:
        async for answer in gql_answers(session, query, {"after": after}):
            yield answer


async def next_of(answers: AsyncGenerator[Json, None]) -> Json:
    answer = await asyncio.wait_for(anext(answers), _SECONDS)
    assert "errors" not in answer, answer
    [told] = answer["data"].values()
    found: Json = told
    return found


async def test_a_page_follows_its_customer_over_every_transport(platform: Platform) -> None:
    journey, prefix, visitor, user = unique("shop"), unique("x"), unique("anon"), unique("user")
    platform.publish(shop_journey(journey, prefix))
    # Given a page that was rendered for somebody who has just logged in
    platform.send("/v1/track", {"anonymousId": visitor, "event": f"{prefix}Product Viewed"})
    token = mint(platform, "user_id", user)
    place: str = platform.graphql(PLACE)["projection"]["position"]
    followers = [over(platform, token, FOLLOW, place) for over in (over_sse, over_multipart, over_websocket)]
    # When the shop's server says whose browser it is
    login = 'mutation ($ids: [IdentifierInput!]!) { identify(identifiers: $ids, traits: {plan: "gold"}) { position } }'
    ids = [{"type": "user_id", "value": user}, {"type": "anonymous_id", "value": visitor}]
    await asyncio.to_thread(platform.graphql, login, ids=ids)
    # Then the page hears of what the browser had sent, and of what comes, with all that may be told of it
    for follower in followers:
        assert await next_of(follower) == {
            "previousStatus": None,
            "instance": {
                "journeyKey": journey,
                "status": "ACTIVE",
                "phase": {"key": "look"},
                "customer": {"traits": {"plan": "gold"}},
            },
        }
    await asyncio.to_thread(record, platform, token, f"{prefix}Order Completed")
    for follower in followers:
        bought = await next_of(follower)
        assert (bought["previousStatus"], bought["instance"]["status"]) == ("ACTIVE", "COMPLETED")
        await follower.aclose()


async def test_who_claims_to_be_somebody_else_hears_nothing_of_them(platform: Platform) -> None:
    journey, prefix = unique("shop"), unique("x")
    victim, attacker, visitor = unique("victim"), unique("attacker"), unique("anon")
    platform.publish(shop_journey(journey, prefix))
    own, victims = mint(platform, "user_id", attacker), mint(platform, "user_id", victim)
    start = record(platform, own, "Seen")
    async with (
        aclosing(over_sse(platform, own, HEAR, start)) as spying,
        aclosing(over_sse(platform, victims, HEAR, start)) as unharmed,
    ):
        # When somebody links himself with a victim by the website's key and by his own token, while both listen
        for body in ({"userId": victim, "anonymousId": visitor}, {"userId": attacker, "anonymousId": visitor}):
            await asyncio.to_thread(platform.send, "/v1/identify", body)
        await asyncio.to_thread(platform.send, "/v1/alias", {"userId": attacker, "previousId": victim})
        await asyncio.to_thread(record, platform, own, "Linked", type="user_id", value=victim)
        # And the victim buys
        await asyncio.to_thread(record, platform, victims, f"{prefix}Order Completed")
        # Then the victim hears of that alone
        assert await next_of(unharmed) == {
            "name": f"{prefix}Order Completed",
            "identifiers": [{"value": victim}],
            "instances": [{"status": "COMPLETED"}],
        }
        # And he of what he does himself
        await asyncio.to_thread(record, platform, own, "Seen again")
        assert await next_of(spying) == {
            "name": "Seen again",
            "identifiers": [{"value": attacker}],
            "instances": [],
        }
