"""What the instances of a journey add up to, and the instances behind its drop-offs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.documents import instance, journey, problem
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

Json = dict[str, Any]

READ, DROP_OFFS = "/internal/insights/read", "/internal/insights/drop-offs"
EVERYTHING: Json = {
    "period": {"from": None, "to": None},
    "where": {"version": None, "channel": None, "device": None, "source": None, "variant": None},
}


def insights(**more: Any) -> Json:
    return {
        "answeredBy": "counters",
        "instances": 3,
        "byStatus": [{"status": "ABANDONED", "count": 2}, {"status": "COMPLETED", "count": 1}],
        "funnel": [
            {"phase": "look", "reached": 3, "continued": 1, "dropped": 2},
            {"phase": "buy", "reached": 1, "continued": 0, "dropped": 0},
        ],
        "flow": {
            "edges": [
                {"from": "START", "to": "viewed", "count": 3, "medianGap": None},
                {"from": "viewed", "to": "paid", "count": 1, "medianGap": "PT3H"},
            ]
        },
        "hops": {
            "channel": [{"from": "web", "to": "shop", "count": 4}],
            "device": [{"from": "mobile", "to": "desktop", "count": 2}],
            "source": [],
        },
        "dropOffs": [
            {"phase": "look", "reason": "EXTRA_COST", "device": "mobile", "count": 2},
            {"phase": "buy", "reason": "UNKNOWN", "device": None, "count": 1},
        ],
    } | more


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    api.journeys.answers["POST /internal/journeys/read"] = lambda body: {
        "journeys": [journey(item["key"]) for item in body["items"]]
    }
    api.events.answers[f"POST {READ}"] = lambda body: {"insights": [insights() for _ in body["journeys"]]}
    api.events.answers[f"POST {DROP_OFFS}"] = lambda body: {
        "pages": [page([instance(f"{way['phase']}-1")], totalCount=7) for way in body["dropOffs"]]
    }


async def test_everything_is_shown_as_it_was_counted(api: Gateway) -> None:
    query = """{ journey(key: "purchase") { insights {
        answeredBy instances byStatus { status count } funnel { phase reached continued dropped }
        flow { edges { from to count medianGap } }
        channel: hops(by: CHANNEL) { from to count } device: hops(by: DEVICE) { from to count }
        source: hops(by: SOURCE) { from to count } dropOffs { phase reason device count } } } }"""
    shown = (await api.data(query))["journey"]["insights"]
    counted = insights()
    hops = counted.pop("hops")
    assert shown == counted | hops
    assert api.events.bodies(READ) == [{"journeys": ["purchase"], "medianGaps": True, **EVERYTHING}]


async def test_median_gaps_are_read_for_whoever_asks_for_them(api: Gateway) -> None:
    """Wherever in the document: they cost more than all the rest."""
    await api.data("""{ journey(key: "purchase") { insights { ...flow } } }
        fragment flow on Insights { flow { edges { gap: medianGap } } }""")
    await api.data('{ journey(key: "purchase") { insights { flow { edges { medianGap: count } } } } }')
    assert [body["medianGaps"] for body in api.events.bodies(READ)] == [True, False]


async def test_a_journey_that_was_never_published_has_none(api: Gateway) -> None:
    api.events.answers[f"POST {READ}"] = lambda _: {"insights": [None]}
    assert await api.data('{ journey(key: "purchase") { insights { instances } } }') == {"journey": {"insights": None}}


async def test_period_and_filter_travel_on_with_the_question(api: Gateway) -> None:
    where = {"version": 2, "channel": "web", "device": "mobile", "source": "website", "variant": "B"}
    period = {"from": "2026-01-01T00:00:00+02:00", "to": "2026-02-01"}
    query = """query ($period: PeriodInput, $where: InsightFilter) {
        journey(key: "purchase") { insights(period: $period, where: $where) { dropOffs { instances { totalCount } } } }
    }"""
    assert await api.errors(query, variables={"period": period, "where": where}) == [("", "BAD_USER_INPUT")]
    period["to"] = "2026-02-01T00:00:00Z"
    await api.data(query, variables={"period": period, "where": where})
    asked = {"period": {"from": "2025-12-31T22:00:00Z", "to": "2026-02-01T00:00:00Z"}, "where": where}
    assert api.events.bodies(READ) == [{"journeys": ["purchase"], "medianGaps": False, **asked}]
    [drill_down] = api.events.bodies(DROP_OFFS)
    assert {name: drill_down[name] for name in asked} == asked


async def test_several_journeys_cost_one_call_and_all_their_drop_offs_another(api: Gateway) -> None:
    query = """{ a: journey(key: "a") { ...it } b: journey(key: "b") { ...it } }
        fragment it on Journey { insights { dropOffs {
            instances(first: 5) { totalCount edges { node { status } } } } } }"""
    found = await api.data(query)
    assert [way["instances"]["totalCount"] for way in found["a"]["insights"]["dropOffs"]] == [7, 7]
    assert found["b"]["insights"]["dropOffs"][1]["instances"]["edges"] == [{"node": {"status": "ACTIVE"}}]
    assert api.events.bodies(READ) == [{"journeys": ["a", "b"], "medianGaps": False, **EVERYTHING}]
    ways = [
        {"journey": key, "phase": phase, "reason": reason, "device": device}
        for key in ("a", "b")
        for phase, reason, device in (("look", "EXTRA_COST", "mobile"), ("buy", "UNKNOWN", None))
    ]
    assert api.events.bodies(DROP_OFFS) == [{"dropOffs": ways, "first": 5, "after": None, **EVERYTHING}]


async def test_different_questions_are_not_mixed(api: Gateway) -> None:
    api.events.answers[f"POST {READ}"] = lambda body: {
        "insights": [insights(instances=1 if body["where"]["device"] else 9)]
    }
    found = await api.data("""{ journey(key: "purchase") {
        all: insights { instances } mobile: insights(where: {device: "mobile"}) { instances } } }""")
    assert found == {"journey": {"all": {"instances": 9}, "mobile": {"instances": 1}}}


async def test_an_insight_waits_for_the_position(api: Gateway) -> None:
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": True}
    answer = await api.ask('{ journey(key: "purchase") { insights(position: "p1") { instances } } }')
    assert answer["extensions"] == {"stale": True}
    assert api.events.paths() == ["/internal/projection/wait", READ]


@pytest.mark.parametrize(
    ("document", "scopes", "refused"),
    [
        ("{ instances }", "sk_models", "journey.insights"),
        ("{ dropOffs { instances { totalCount } } }", "sk_insights", "journey.insights.dropOffs.0.instances"),
    ],
)
async def test_insights_need_their_scope_and_the_instances_that_of_customers(
    api: Gateway, document: str, scopes: str, refused: str
) -> None:
    errors = await api.errors('{ journey(key: "purchase") { insights ' + document + " } }", key=scopes)
    assert errors[0] == (refused, "FORBIDDEN")
    assert api.events.bodies(DROP_OFFS) == []


async def test_without_events_the_journey_is_still_there(api: Gateway) -> None:
    api.events.answers[f"POST {READ}"] = problem(503, "UNAVAILABLE")
    answer = await api.ask('{ journey(key: "purchase") { name insights { instances } } }')
    assert answer["data"] == {"journey": {"name": "Purchase", "insights": None}}
    assert answer["errors"][0]["path"] == ["journey", "insights"]


async def test_page_sizes_and_dimensions_are_checked(api: Gateway) -> None:
    query = '{ journey(key: "purchase") { insights { dropOffs { instances(first: 101) { totalCount } } } } }'
    assert {code for _path, code in await api.errors(query)} == {"BAD_PAGE"}
    query = '{ journey(key: "purchase") { insights { hops(by: VARIANT) { count } } } }'
    assert await api.errors(query) == [("", "GRAPHQL_VALIDATION_FAILED")]
