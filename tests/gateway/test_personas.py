"""Reading, listing, saving and publishing personas, and journeys that say whom they are for."""

from __future__ import annotations

from typing import Any

import pytest

from infra.chassis.errors import Flaw
from tests.gateway.documents import journey, persona, persona_item, problem
from tests.gateway.harness import Gateway

READ, LIST = "/internal/personas/read", "/internal/personas"
SAVE = """mutation ($input: PersonaInput!) { savePersona(input: $input) {
    persona { key revision status version } errors { code message path line column } } }"""


@pytest.mark.parametrize(
    ("arguments", "item"),
    [
        ('key: "a"', {"key": "a", "version": None, "draft": False}),
        ('key: "a", version: null', {"key": "a", "version": None, "draft": False}),
        ('key: "a", version: 3', {"key": "a", "version": 3, "draft": False}),
        ('key: "a", draft: true', {"key": "a", "version": None, "draft": True}),
    ],
)
async def test_a_persona_is_read_as_asked(api: Gateway, arguments: str, item: dict[str, Any]) -> None:
    api.personas.answers[f"POST {READ}"] = lambda _: {"personas": [None]}
    assert await api.data(f"{{ persona({arguments}) {{ key }} }}") == {"persona": None}
    assert api.personas.bodies(READ) == [{"items": [item]}]


async def test_a_whole_persona(api: Gateway) -> None:
    evidence = {"rung": "RESEARCH", "kind": "survey", "summary": "s", "date": None, "sampleSize": 812, "url": "u"}
    document = persona(
        narrative="Lives outside town.",
        portrait="https://x.nl/commuter.jpg",
        realGoal=persona_item("Be on time without thinking", "RESEARCH", evidence=[evidence]),
        goals=[persona_item()],
        situations=[persona_item("Strike of the railways")],
        mediaPreferences=[{"channel": "app", "weight": 0.75}],
        matches='count("Ride Planned", "P30D") >= 8',
        evidence=[evidence],
        confidence="RESEARCH",
    )
    api.personas.answers[f"POST {READ}"] = lambda _: {"personas": [document]}
    query = """{ persona(key: "commuter") {
        key version revision status name narrative portrait matches confidence
        goals { text rung evidence { kind } } realGoal { text rung evidence { rung summary date sampleSize url } }
        drives { text } challenges { text } responsibilities { text } pains { text } delights { text }
        situations { text } mediaPreferences { channel weight } evidence { rung kind } } }"""
    assert (await api.data(query))["persona"] == {
        "key": "commuter",
        "version": 1,
        "revision": 2,
        "status": "PUBLISHED",
        "name": "Commuter",
        "narrative": "Lives outside town.",
        "portrait": "https://x.nl/commuter.jpg",
        "matches": 'count("Ride Planned", "P30D") >= 8',
        "confidence": "RESEARCH",
        "goals": [{"text": "Cycle to work", "rung": "ASSUMPTION", "evidence": []}],
        "realGoal": {
            "text": "Be on time without thinking",
            "rung": "RESEARCH",
            "evidence": [{"rung": "RESEARCH", "summary": "s", "date": None, "sampleSize": 812, "url": "u"}],
        },
        **{name: [] for name in ("drives", "challenges", "responsibilities", "pains", "delights")},
        "situations": [{"text": "Strike of the railways"}],
        "mediaPreferences": [{"channel": "app", "weight": 0.75}],
        "evidence": [{"rung": "RESEARCH", "kind": "survey"}],
    }


async def test_all_versions_with_the_draft(api: Gateway) -> None:
    draft = persona(version=None, revision=3, status="DRAFT")
    api.personas.answers[f"POST {READ}"] = lambda _: {"personas": [persona()]}
    api.personas.answers["POST /internal/personas/versions"] = lambda _: {"versions": [[draft, persona()]]}
    found = await api.data('{ persona(key: "commuter") { versions { version revision status } } }')
    assert found["persona"]["versions"] == [
        {"version": None, "revision": 3, "status": "DRAFT"},
        {"version": 1, "revision": 2, "status": "PUBLISHED"},
    ]


async def test_pages_go_on_where_their_cursor_says(api: Gateway) -> None:
    keys = ["commuter", "family"]
    api.personas.answers[f"GET {LIST}"] = lambda _: {
        "items": [persona(key) for key in keys],
        "hasNextPage": True,
        "totalCount": 7,
    }
    query = """query ($after: String) { personas(first: 2, after: $after, status: PUBLISHED) {
        edges { cursor node { key } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""
    first = (await api.data(query))["personas"]
    cursors = [edge["cursor"] for edge in first["edges"]]
    assert [edge["node"]["key"] for edge in first["edges"]] == keys
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[1],
    }
    assert first["totalCount"] == 7
    second = (await api.data(query, variables={"after": cursors[1]}))["personas"]
    assert second["pageInfo"]["hasPreviousPage"] is True
    asked = {"first": "2", "status": "PUBLISHED"}
    assert api.personas.bodies(LIST) == [asked, asked | {"after": "family"}]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("first: 0", "BAD_PAGE"), ("first: 101", "BAD_PAGE"), ('after: "é"', "BAD_CURSOR"), ('after: "_w"', "BAD_CURSOR")],
)
async def test_a_page_that_cannot_be_is_refused(api: Gateway, arguments: str, code: str) -> None:
    assert await api.errors(f"{{ personas({arguments}) {{ totalCount }} }}") == [("personas", code)]
    assert api.personas.calls == []


async def test_a_persona_is_saved_as_it_was_given(api: Gateway) -> None:
    api.personas.answers["PUT /internal/personas/commuter/draft"] = lambda _: {
        "persona": persona(version=None, revision=4, status="DRAFT")
    }
    item = {"text": "Cycle to work", "evidence": [{"rung": "CUSTOMER_DRAWN", "kind": "canvas", "summary": "s"}]}
    given = {
        "key": "commuter",
        "name": "Commuter",
        "baseRevision": 3,
        "narrative": None,
        "matches": "traits.commutes",
        "realGoal": item,
        "goals": [item],
        "pains": [],
        "mediaPreferences": [{"channel": "app", "weight": 1}],
    }
    assert await api.data(SAVE, variables={"input": given}) == {
        "savePersona": {
            "persona": {"key": "commuter", "revision": 4, "status": "DRAFT", "version": None},
            "errors": [],
        }
    }
    sent = {name: value for name, value in given.items() if value is not None}
    assert api.personas.bodies("/internal/personas/commuter/draft") == [sent]


async def test_a_refusal_is_told_with_its_place(api: Gateway) -> None:
    flaw = Flaw("RULE_SYNTAX", "unexpected", ("matches",), 2, 7)
    api.personas.answers["PUT /internal/personas/commuter/draft"] = problem(422, "RULE_SYNTAX", flaws=[flaw])
    found = await api.data(SAVE, variables={"input": {"key": "commuter", "name": "C"}})
    error = {"code": "RULE_SYNTAX", "message": "unexpected", "path": ["matches"], "line": 2, "column": 7}
    assert found["savePersona"] == {"persona": None, "errors": [error]}


@pytest.mark.parametrize("code", ["CONFLICT", "NOT_FOUND"])
async def test_publishing_says_what_stands_in_the_way(api: Gateway, code: str) -> None:
    mutation = 'mutation { publishPersona(key: "commuter") { persona { version } pending errors { code } } }'
    route = "POST /internal/personas/commuter/publish"
    api.personas.answers[route] = problem(409 if code == "CONFLICT" else 404, code)
    assert (await api.data(mutation))["publishPersona"] == {
        "persona": None,
        "pending": False,
        "errors": [{"code": code}],
    }
    for pending in (True, False):
        api.personas.answers[route] = lambda _, pending=pending: {"persona": persona(version=2), "pending": pending}
        assert (await api.data(mutation))["publishPersona"] == {
            "persona": {"version": 2},
            "pending": pending,
            "errors": [],
        }


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ('mutation { publishPersona(key: "a") { errors { code } } }', "publishPersona"),
        ('mutation { savePersona(input: {key: "a", name: "A"}) { errors { code } } }', "savePersona"),
        ('{ persona(key: "a") { key } }', "persona"),
        ("{ personas { totalCount } }", "personas"),
    ],
)
async def test_while_personas_is_away_that_is_a_top_level_error(api: Gateway, operation: str, path: str) -> None:
    api.personas.away = True
    assert await api.errors(operation) == [(path, "UPSTREAM_UNAVAILABLE")]


# --- whom a journey is for

FOR_WHOM = '{ a: journey(key: "a") { name personas { key name } } b: journey(key: "b") { personas { name } } }'


def journeys_for(api: Gateway, *personas: str) -> None:
    api.journeys.answers["POST /internal/journeys/read"] = lambda body: {
        "journeys": [journey(item["key"], personas=list(personas)) for item in body["items"]]
    }


async def test_the_personas_of_many_journeys_take_one_call(api: Gateway) -> None:
    journeys_for(api, "family", "nobody", "commuter")
    api.personas.answers[f"POST {READ}"] = lambda body: {
        "personas": [None if item["key"] == "nobody" else persona(item["key"]) for item in body["items"]]
    }
    found = await api.data(FOR_WHOM)
    assert found["a"]["personas"] == [
        {"key": "family", "name": "Commuter"},
        None,
        {"key": "commuter", "name": "Commuter"},
    ]
    item = {"version": None, "draft": False}
    assert api.personas.bodies(READ) == [{"items": [{"key": key} | item for key in ("family", "nobody", "commuter")]}]


async def test_a_journey_for_nobody_in_particular_asks_nobody(api: Gateway) -> None:
    journeys_for(api)
    assert (await api.data(FOR_WHOM))["a"] == {"name": "Purchase", "personas": []}
    assert api.personas.calls == []


async def test_while_personas_is_away_a_journey_is_told_without_them(api: Gateway) -> None:
    journeys_for(api, "family", "commuter")
    api.personas.away = True
    answer = await api.ask(FOR_WHOM)
    assert answer["data"] == {"a": {"name": "Purchase", "personas": None}, "b": {"personas": None}}
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
        (["a", "personas"], {"code": "UPSTREAM_UNAVAILABLE"}),
        (["b", "personas"], {"code": "UPSTREAM_UNAVAILABLE"}),
    ]
