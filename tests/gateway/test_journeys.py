"""Reading, saving and publishing journey models."""

from __future__ import annotations

from typing import Any

import pytest

from infra.chassis.errors import Flaw
from tests.gateway.documents import journey, phase, problem, touchpoint
from tests.gateway.harness import Gateway

READ = "/internal/journeys/read"
SAVE = "mutation ($input: JourneyInput!) { saveJourney(input: $input) { journey { key revision status version } %s } }"
ALL = "errors { code message path line column } warnings { code message path line column }"


@pytest.mark.parametrize(
    ("arguments", "item"),
    [
        ('key: "a"', {"key": "a", "version": None, "draft": False}),
        ('key: "a", version: null', {"key": "a", "version": None, "draft": False}),
        ('key: "a", version: 0', {"key": "a", "version": 0, "draft": False}),
        ('key: "a", version: 3', {"key": "a", "version": 3, "draft": False}),
        ('key: "a", draft: true', {"key": "a", "version": None, "draft": True}),
    ],
)
async def test_a_journey_is_read_as_asked(api: Gateway, arguments: str, item: dict[str, Any]) -> None:
    api.journeys.answers[f"POST {READ}"] = lambda _: {"journeys": [None]}
    assert await api.data(f"{{ journey({arguments}) {{ key }} }}") == {"journey": None}
    assert api.journeys.bodies(READ) == [{"items": [item]}]


async def test_a_whole_map(api: Gateway) -> None:
    evidence = [
        {
            "rung": "STAFF_BRAINSTORM",
            "kind": "workshop",
            "summary": "s",
            "date": "2026-01-01T00:00:00Z",
            "sampleSize": 8,
        },
        {"rung": "CUSTOMER_DRAWN", "kind": "canvas", "summary": "t", "date": None, "sampleSize": None, "url": "u"},
    ]
    lanes = [
        {"lane": "emotion", "text": "glad", "evidence": evidence},
        {"lane": "pain", "text": "slow", "evidence": None},
    ]
    document = journey(
        effectiveFrom="2026-01-01T00:00:00Z",
        phases=[
            phase(
                touchpoints=[touchpoint(claimedEmotion=-1.5, momentOfTruth=True, lanes=lanes)],
                means=[{"key": "seo", "name": "SEO", "channel": None, "personas": ["p"], "content": {"a": [1, None]}}],
                outsideFigures=[
                    {"name": "n", "value": 1.5, "unit": "%", "source": "CBS", "date": "2026-01-01T00:00:00Z"}
                ],
                patience="P3D",
            )
        ],
        dropOffReasons=[{"reason": "DELIVERY_TIME", "when": 'name == "Delay"'}],
        hypotheses=[{"key": "h", "statement": "s", "measure": "m", "claim": 0.5}],
    )
    api.journeys.answers[f"POST {READ}"] = lambda _: {"journeys": [document]}
    query = """{ journey(key: "purchase") {
        version revision status name effectiveFrom effectiveUntil startsWhen goal instanceKey patience pausePatience
        reentry restartAllowed dropOffReasons { reason when } hypotheses { key statement measure claim }
        phases { key patience touchpoints { claimedEmotion momentOfTruth channel
                lanes { lane text rung evidence { rung kind summary date sampleSize url } } }
            means { key channel personas content } outsideFigures { name value unit source date }
            lanes { lane } } } }"""
    assert (await api.data(query))["journey"] == {
        "version": 1,
        "revision": 3,
        "status": "PUBLISHED",
        "name": "Purchase",
        "effectiveFrom": "2026-01-01T00:00:00Z",
        "effectiveUntil": None,
        "startsWhen": None,
        "goal": 'name == "Order Completed"',
        "instanceKey": None,
        "patience": "P30D",
        "pausePatience": "P90D",
        "reentry": "ALWAYS",
        "restartAllowed": False,
        "dropOffReasons": [{"reason": "DELIVERY_TIME", "when": 'name == "Delay"'}],
        "hypotheses": [{"key": "h", "statement": "s", "measure": "m", "claim": 0.5}],
        "phases": [
            {
                "key": "orientation",
                "patience": "P3D",
                "touchpoints": [
                    {
                        "claimedEmotion": -1.5,
                        "momentOfTruth": True,
                        "channel": "web",
                        "lanes": [
                            {
                                "lane": "emotion",
                                "text": "glad",
                                "rung": "CUSTOMER_DRAWN",
                                "evidence": [evidence[0] | {"url": None}, evidence[1]],
                            },
                            {"lane": "pain", "text": "slow", "rung": "ASSUMPTION", "evidence": []},
                        ],
                    }
                ],
                "means": [{"key": "seo", "channel": None, "personas": ["p"], "content": {"a": [1, None]}}],
                "outsideFigures": [
                    {"name": "n", "value": 1.5, "unit": "%", "source": "CBS", "date": "2026-01-01T00:00:00Z"}
                ],
                "lanes": [],
            }
        ],
    }


async def test_its_versions(api: Gateway) -> None:
    draft = journey(version=None, status="DRAFT", goal=None)
    api.journeys.answers[f"POST {READ}"] = lambda _: {"journeys": [journey(version=2)]}
    api.journeys.answers["POST /internal/journeys/versions"] = lambda _: {
        "versions": [[draft, journey(version=2), journey(version=1, status="RETIRED")]]
    }
    found = await api.data('{ journey(key: "purchase") { id versions { id version status goal } } }')
    versions = found["journey"]["versions"]
    assert [(item["version"], item["status"]) for item in versions] == [
        (None, "DRAFT"),
        (2, "PUBLISHED"),
        (1, "RETIRED"),
    ]
    assert versions[0]["goal"] is None
    assert len({item["id"] for item in versions}) == 3
    assert versions[1]["id"] == found["journey"]["id"]


async def test_a_draft_is_saved_as_it_was_written(api: Gateway) -> None:
    warning = {"code": "NO_GOAL", "message": "Publishing needs a goal.", "path": ["goal"], "line": None, "column": None}
    api.journeys.answers["PUT /internal/journeys/purchase%20%C3%A9/draft"] = lambda _: {
        "journey": journey(version=None, revision=1, status="DRAFT"),
        "warnings": [warning],
    }
    draft = {
        "key": "purchase é",
        "name": "Purchase",
        "personas": ["family"],
        "baseRevision": 0,
        "reentry": "AFTER_END",
        "startsWhen": None,
        "phases": [
            {
                "key": "a",
                "name": "A",
                "mandatory": None,
                "touchpoints": [{"key": "t", "name": "T", "recognisedBy": 'name == "T"'}],
                "means": [{"key": "m", "name": "M", "content": {"a": None, "n": 2**70}}],
                "lanes": [{"lane": "l", "text": "x", "evidence": [{"rung": "RESEARCH", "kind": "k", "summary": "s"}]}],
                "outsideFigures": [{"name": "f", "value": 1, "source": "s", "date": "2026-01-01T00:00:00+02:00"}],
            }
        ],
    }
    assert await api.data(SAVE % ALL, variables={"input": draft}) == {
        "saveJourney": {
            "journey": {"key": "purchase", "revision": 1, "status": "DRAFT", "version": None},
            "errors": [],
            "warnings": [warning],
        }
    }
    [call] = api.journeys.calls
    assert call.body == {
        "key": "purchase é",
        "name": "Purchase",
        "personas": ["family"],
        "baseRevision": 0,
        "patience": "P30D",
        "pausePatience": "P90D",
        "reentry": "AFTER_END",
        "restartAllowed": False,
        "phases": [
            {
                "key": "a",
                "name": "A",
                "touchpoints": [
                    {
                        "key": "t",
                        "name": "T",
                        "channel": "any",
                        "recognisedBy": 'name == "T"',
                        "momentOfTruth": False,
                    }
                ],
                "means": [{"key": "m", "name": "M", "content": {"a": None, "n": 2**70}}],
                "lanes": [{"lane": "l", "text": "x", "evidence": [{"rung": "RESEARCH", "kind": "k", "summary": "s"}]}],
                "outsideFigures": [{"name": "f", "value": 1.0, "source": "s", "date": "2025-12-31T22:00:00Z"}],
            }
        ],
    }


DRAFT = {"key": "purchase", "name": "P", "phases": []}


@pytest.mark.parametrize(
    ("status", "code", "flaws", "errors"),
    [
        (409, "CONFLICT", [], [{"code": "CONFLICT", "message": "no", "path": None, "line": None, "column": None}]),
        (
            422,
            "INVALID",
            [Flaw("RULE_SYNTAX", "unexpected )", ("phases", "0", "touchpoints", "1", "recognisedBy"), 2, 7)],
            [
                {
                    "code": "RULE_SYNTAX",
                    "message": "unexpected )",
                    "path": ["phases", "0", "touchpoints", "1", "recognisedBy"],
                    "line": 2,
                    "column": 7,
                }
            ],
        ),
    ],
)
async def test_a_refused_draft_is_told_in_the_payload(
    api: Gateway, status: int, code: str, flaws: list[Flaw], errors: list[dict[str, Any]]
) -> None:
    api.journeys.answers["PUT /internal/journeys/purchase/draft"] = problem(status, code, flaws=flaws)
    assert await api.data(SAVE % ALL, variables={"input": DRAFT}) == {
        "saveJourney": {"journey": None, "errors": errors, "warnings": []}
    }


@pytest.mark.parametrize("key", ["", ".", "..", "a/b"])
async def test_a_key_that_cannot_stand_in_an_address_is_refused(api: Gateway, key: str) -> None:
    found = await api.data(SAVE % "errors { code path }", variables={"input": DRAFT | {"key": key}})
    assert found["saveJourney"] == {"journey": None, "errors": [{"code": "INVALID_VALUE", "path": ["key"]}]}
    assert api.journeys.calls == []


@pytest.mark.parametrize(
    ("argument", "sent"),
    [
        ("", None),
        (", effectiveFrom: null", None),
        (', effectiveFrom: "0001-01-01T00:00:00Z"', "0001-01-01T00:00:00Z"),
        (', effectiveFrom: "2026-05-01T12:00:00.5+02:00"', "2026-05-01T10:00:00.500000Z"),
    ],
)
async def test_publishing(api: Gateway, argument: str, sent: str | None) -> None:
    api.journeys.answers["POST /internal/journeys/purchase/publish"] = lambda _: {"journey": journey(), "pending": True}
    mutation = 'mutation { publishJourney(key: "purchase"%s) { journey { version } pending errors { code } } }'
    assert await api.data(mutation % argument) == {
        "publishJourney": {"journey": {"version": 1}, "pending": True, "errors": []}
    }
    assert [call.body for call in api.journeys.calls] == [{"effectiveFrom": sent}]


async def test_publishing_without_a_goal(api: Gateway) -> None:
    flaws = [Flaw("GOAL_REQUIRED", "Publishing needs a goal.", ("goal",))]
    api.journeys.answers["POST /internal/journeys/purchase/publish"] = problem(422, "INVALID", flaws=flaws)
    mutation = (
        'mutation { publishJourney(key: "purchase") { journey { version } pending errors { code message path } } }'
    )
    assert await api.data(mutation) == {
        "publishJourney": {
            "journey": None,
            "pending": False,
            "errors": [{"code": "GOAL_REQUIRED", "message": "Publishing needs a goal.", "path": ["goal"]}],
        }
    }


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ('mutation { publishJourney(key: "purchase") { pending } }', "publishJourney"),
        ('{ journey(key: "purchase") { key } }', "journey"),
    ],
)
async def test_while_journeys_is_away_that_is_a_top_level_error(api: Gateway, operation: str, path: str) -> None:
    api.journeys.away = True
    assert await api.errors(operation) == [(path, "UPSTREAM_UNAVAILABLE")]


@pytest.mark.parametrize("value", ["30 days", "P", "PT", "P1D2W", "p3d", "-P1D", 3])
async def test_a_duration_is_iso_8601(api: Gateway, value: object) -> None:
    assert await api.errors(SAVE % ALL, variables={"input": DRAFT | {"patience": value}}) == [("", "BAD_USER_INPUT")]
    assert api.journeys.calls == []


TEMPLATES = "/internal/journey-templates"
FROM_TEMPLATE = "/internal/journeys/from-template"


@pytest.mark.parametrize(
    ("argument", "language"),
    [("", "EN"), ("(language: null)", "EN"), ("(language: EN)", "EN"), ("(language: NL)", "NL")],
)
async def test_templates_come_in_a_language(api: Gateway, argument: str, language: str) -> None:
    drawn = {"key": "purchase", "name": "P", "phases": []}
    template = {"key": "t", "name": "T", "description": "d", "language": language, "journey": drawn, "unknown": 1}
    api.journeys.answers[f"GET {TEMPLATES}"] = lambda _: {"templates": [template]}
    found = await api.data(f"{{ journeyTemplates{argument} {{ key name description language journey }} }}")
    assert found == {"journeyTemplates": [{name: item for name, item in template.items() if name != "unknown"}]}
    assert api.journeys.bodies(TEMPLATES) == [{"language": language}]


@pytest.mark.parametrize(("argument", "language"), [("", "EN"), (", language: NL", "NL")])
async def test_a_journey_is_made_from_a_template(api: Gateway, argument: str, language: str) -> None:
    draft = journey(version=None, revision=1, status="DRAFT")
    api.journeys.answers[f"POST {FROM_TEMPLATE}"] = lambda _: {"journey": draft, "warnings": []}
    mutation = (
        'mutation { createJourneyFromTemplate(template: "t", key: "k", name: "N"%s) { journey { key status } %s } }'
    )
    assert await api.data(mutation % (argument, ALL)) == {
        "createJourneyFromTemplate": {"journey": {"key": "purchase", "status": "DRAFT"}, "errors": [], "warnings": []}
    }
    assert api.journeys.bodies(FROM_TEMPLATE) == [{"template": "t", "key": "k", "name": "N", "language": language}]


async def test_a_template_that_nobody_knows_is_told_in_the_payload(api: Gateway) -> None:
    flaws = [Flaw("NOT_FOUND", "No such template.", ("template",))]
    api.journeys.answers[f"POST {FROM_TEMPLATE}"] = problem(404, "NOT_FOUND", flaws=flaws)
    mutation = 'mutation { createJourneyFromTemplate(template: "t", key: "k", name: "N") { journey { key } %s } }'
    refused = (await api.data(mutation % "errors { code message path } warnings { code }"))["createJourneyFromTemplate"]
    assert refused == {
        "journey": None,
        "errors": [{"code": "NOT_FOUND", "message": "No such template.", "path": ["template"]}],
        "warnings": [],
    }


JOURNEYS = "/internal/journeys"


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("", {"first": "20"}),
        ("(first: null, after: null, status: null)", {"first": "20"}),
        ('(first: 2, after: "YQ", status: DRAFT)', {"first": "2", "after": "a", "status": "DRAFT"}),
    ],
)
async def test_journeys_come_in_pages(api: Gateway, arguments: str, asked: dict[str, str]) -> None:
    found = {"items": [journey(key="b"), journey(key="c")], "hasNextPage": True, "totalCount": 7}
    api.journeys.answers[f"GET {JOURNEYS}"] = lambda _: found
    query = "{ journeys%s { totalCount edges { cursor node { key } } pageInfo { hasNextPage startCursor endCursor } } }"
    assert await api.data(query % arguments) == {
        "journeys": {
            "totalCount": 7,
            "edges": [{"cursor": "Yg", "node": {"key": "b"}}, {"cursor": "Yw", "node": {"key": "c"}}],
            "pageInfo": {"hasNextPage": True, "startCursor": "Yg", "endCursor": "Yw"},
        }
    }
    assert api.journeys.bodies(JOURNEYS) == [asked]


@pytest.mark.parametrize("first", [0, 101, -1])
async def test_a_page_of_journeys_has_a_size_that_can_be(api: Gateway, first: int) -> None:
    assert await api.errors(f"{{ journeys(first: {first}) {{ totalCount }} }}") == [("journeys", "BAD_PAGE")]
    assert api.journeys.calls == []


@pytest.mark.parametrize(
    ("operation", "key", "scope"),
    [
        ("{ journeyTemplates { key } }", "sk_bare", "models:read"),
        ("{ journeys { totalCount } }", "sk_bare", "models:read"),
        (
            'mutation { createJourneyFromTemplate(template: "t", key: "k", name: "N") { errors { code } } }',
            "sk_models",
            "models:write",
        ),
    ],
)
async def test_templates_and_lists_need_their_scope(api: Gateway, operation: str, key: str, scope: str) -> None:
    [error] = (await api.ask(operation, key=key))["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("FORBIDDEN", f"This needs the scope {scope}.")
    assert api.journeys.calls == []


async def test_a_cursor_of_another_list_is_refused(api: Gateway) -> None:
    assert await api.errors('{ journeys(after: "é") { totalCount } }') == [("journeys", "BAD_CURSOR")]
    assert api.journeys.calls == []
