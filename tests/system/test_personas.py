"""Stories of people who describe their customers together, told through GraphQL."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform
from tests.support.stories import shop_journey, unique

Json = dict[str, Any]
SAVE = """mutation ($input: PersonaInput!) { savePersona(input: $input) {
    persona { id revision confidence } errors { code path line column } } }"""
PUBLISH = """mutation ($key: String!) { publishPersona(key: $key) {
    persona { id version status } errors { code } } }"""
READ = """query ($key: String!, $draft: Boolean!) { persona(key: $key, draft: $draft) {
    id version revision name pains { text rung } delights { text } confidence
    versions { version status name } } }"""


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
