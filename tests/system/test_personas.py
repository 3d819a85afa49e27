"""Stories of people who describe their customers together, and of who their customers are, told through GraphQL."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform
from tests.support.stories import segment_client, shop_journey, unique

Json = dict[str, Any]
SAVE = """mutation ($input: PersonaInput!) { savePersona(input: $input) {
    persona { id revision confidence } errors { code path line column } } }"""
PUBLISH = """mutation ($key: String!) { publishPersona(key: $key) {
    persona { id version status } pending errors { code } } }"""
READ = """query ($key: String!, $draft: Boolean!) { persona(key: $key, draft: $draft) {
    id version revision name pains { text rung } delights { text } confidence
    versions { version status name } } }"""


WHO = """query ($user: String!, $position: Position) {
  customer(identifier: {type: "user_id", value: $user}, position: $position) { persona {
    personaKey version fit persona { name version } because { text rule modelVersion events { name } }
  } } }"""


def save(platform: Platform, key: str, **fields: Any) -> Json:
    saved: Json = platform.graphql(SAVE, input={"key": key, "name": "Family"} | fields)["savePersona"]
    return saved


def test_two_editors_and_a_version(platform: Platform) -> None:
    key = unique("family")
    # Given a draft that Anna and Bram have both opened
    created = save(platform, key, baseRevision=0)
    assert (created["persona"]["revision"], created["errors"]) == (1, [])
    # When Anna adds a pain with what customers said, and Bram a delight to what he had opened
    workshop = {"rung": "CUSTOMER_WORKSHOP", "kind": "workshop", "summary": "Nine parents in Utrecht"}
    pains = [{"text": "No time to compare", "evidence": [workshop]}]
    anna = save(platform, key, baseRevision=1, pains=pains)
    bram = save(platform, key, baseRevision=1, delights=[{"text": "Delivered at dinner time"}])
    # Then Anna's work is kept, and Bram is told
    assert anna["persona"]["confidence"] == "CUSTOMER_WORKSHOP"
    assert bram == {"persona": None, "errors": [{"code": "CONFLICT", "path": None, "line": None, "column": None}]}
    draft = platform.graphql(READ, key=key, draft=True)["persona"]
    assert (draft["revision"], draft["pains"], draft["delights"]) == (
        2,
        [{"text": "No time to compare", "rung": "CUSTOMER_WORKSHOP"}],
        [],
    )
    # When he does it again upon hers, and they publish
    again = save(platform, key, baseRevision=2, pains=pains, delights=[{"text": "Delivered at dinner time"}])
    assert again["persona"]["confidence"] == "ASSUMPTION"  # nobody has asked about dinner time
    published = platform.graphql(PUBLISH, key=key)["publishPersona"]
    # Then that is the first version, and a later draft stands beside it
    assert (published["persona"]["version"], published["persona"]["status"]) == (1, "PUBLISHED")
    save(platform, key, baseRevision=3, name="Young family")
    persona = platform.graphql(READ, key=key, draft=False)["persona"]
    assert (persona["name"], persona["revision"]) == ("Family", 3)
    assert persona["versions"] == [
        {"version": None, "status": "DRAFT", "name": "Young family"},
        {"version": 1, "status": "PUBLISHED", "name": "Family"},
    ]
    # And each can be fetched again by its id
    nodes = platform.graphql(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Persona { version name } } }",
        ids=[persona["id"], draft["id"]],
    )["nodes"]
    assert nodes == [{"version": 1, "name": "Family"}, {"version": None, "name": "Young family"}]


def test_a_rule_is_refused_where_it_is_wrong(platform: Platform) -> None:
    key = unique("family")
    refused = save(platform, key, matches='traits.segment == "family" &&\n  count("Product Viewed", "a month") >= 3')
    assert refused == {
        "persona": None,
        "errors": [{"code": "RULE_VALUE", "path": ["matches"], "line": 2, "column": 27}],
    }
    assert platform.graphql(READ, key=key, draft=True) == {"persona": None}


def test_a_journey_says_whom_it_is_for(platform: Platform) -> None:
    # Given a published persona and one that nobody has described yet
    key, journey = unique("family"), unique("shop")
    save(platform, key, matches='count("Product Viewed", "P30D") >= 3 && !seen("Order Completed", "P1D")')
    platform.graphql(PUBLISH, key=key)
    # When a journey is meant for both
    platform.publish(shop_journey(journey, journey, personas=[key, f"{key}-later"]))
    # Then it tells the one, and that the other is missing
    query = "query ($key: String!) { journey(key: $key) { personas { key version } } }"
    assert platform.graphql(query, key=journey)["journey"] == {"personas": [{"key": key, "version": 1}, None]}


def publish(platform: Platform, key: str, **fields: Any) -> None:
    assert save(platform, key, **fields)["errors"] == []
    published = platform.graphql(PUBLISH, key=key)["publishPersona"]
    assert (published["pending"], published["errors"]) == (False, [])


def who(platform: Platform, user: str, position: str | None = None) -> Json | None:
    customer = platform.graphql(WHO, user=user, position=position)["customer"]
    assert customer is not None
    found: Json | None = customer["persona"]
    return found


def test_customers_become_whom_their_behaviour_says(platform: Platform) -> None:
    prefix, anna, bram = unique("x"), unique("user"), unique("user")
    viewed, ordered = f"{prefix} Product Viewed", f"{prefix} Order Completed"
    browser, buyer = unique("a-browser"), unique("b-buyer")
    # Given a shop that tells people who look around from people who buy
    browses = f'count("{viewed}", "P30D") >= 2'
    publish(platform, browser, name="Looks around", matches=browses)
    publish(platform, buyer, name="Buys", matches=f'seen("{ordered}", "P30D")')
    # When Anna looks at one product and Bram, whom an ordinary client follows, at two
    errors: list[Exception] = []
    client = segment_client(platform, errors)
    for user in (anna, bram, bram):
        client.track(user, viewed)
    client.shutdown()
    assert errors == []
    platform.settle()
    # Then Bram is known by what he does, with the reason
    assert who(platform, anna) is None
    assert who(platform, bram) == {
        "personaKey": browser,
        "version": 1,
        "fit": 1.0,
        "persona": {"name": "Looks around", "version": 1},
        "because": [
            {
                "text": f'The rule of persona "{browser}" holds: "{viewed}" occurred 2 times in the last 30 days.',
                "rule": browses,
                "modelVersion": 1,
                "events": [{"name": viewed}, {"name": viewed}],
            }
        ],
    }
    # When he buys, he is two personas at once, and the first by key is told
    position = platform.send("/v1/track", {"userId": bram, "event": ordered}).json()["position"]
    both = who(platform, bram, position)
    assert both is not None
    assert (both["personaKey"], both["fit"], len(both["because"])) == (browser, 0.5, 2)
    # When the shop thinks better of who looks around
    publish(platform, browser, name="Looks around", matches=f'{browses} && !seen("{ordered}", "P30D")')
    platform.settle()
    # Then he buys, and Anna needs one more look to be what he was
    after = who(platform, bram)
    assert after is not None
    assert (after["personaKey"], after["version"], after["fit"]) == (buyer, 1, 1.0)
    position = platform.send("/v1/track", {"userId": anna, "event": viewed}).json()["position"]
    found = who(platform, anna, position)
    assert found is not None
    assert (found["personaKey"], found["version"]) == (browser, 2)


def test_a_frontend_is_told_who_its_customer_is(platform: Platform) -> None:
    key, name, user = unique("family"), unique("Basket Filled"), unique("user")
    publish(platform, key, matches=f'traits.segment == "family" && seen("{name}", "P1D")')
    secret = platform.credentials["adminKey"]
    platform.send("/v1/identify", {"userId": user, "traits": {"segment": "family"}}, key=secret)
    position = platform.send("/v1/track", {"userId": user, "event": name}, key=secret).json()["position"]
    # Somebody who has nothing but the key of the website says the same of nobody in particular
    platform.send("/v1/track", {"userId": f"{user}-other", "event": name})
    token = platform.graphql(
        """mutation ($user: String!) {
            mintCustomerToken(identifier: {type: "user_id", value: $user}) { token } }""",
        user=user,
    )["mintCustomerToken"]["token"]
    answer = platform.client.post(
        platform.graphql_url,
        json={
            "query": "query ($position: Position) { me(position: $position) { persona { personaKey fit } } }",
            "variables": {"position": position},
        },
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json() == {"data": {"me": {"persona": {"personaKey": key, "fit": 1.0}}}}
