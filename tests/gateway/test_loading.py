"""How many calls a list costs: one per upstream and kind, however many items it has."""

from __future__ import annotations

from typing import Any

from tests.gateway.documents import (
    assignment,
    customer,
    event,
    explanation,
    instance,
    journey,
    ledger_entry,
    persona,
    phase,
    source,
    step,
)
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

Json = dict[str, Any]


def many(api: Gateway, count: int) -> None:
    """Everything answers for as many as are asked; each instance has another customer and another journey version."""
    answers = api.events.answers
    answers["POST /internal/instances/query"] = lambda _: page(
        [instance(f"i{n}", customerId=f"k{n}", version=n + 1) for n in range(count)]
    )
    answers["POST /internal/customers/read"] = lambda body: {"customers": [customer(id) for id in body["ids"]]}
    answers["POST /internal/steps"] = lambda body: {
        "pages": [page([step(id, f"{id}-e{n}", phase=phase(f"p{n}")) for n in range(3)]) for id in body["instances"]]
    }
    answers["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    answers["POST /internal/timelines"] = lambda body: {"pages": [page([event(f"{id}-e")]) for id in body["customers"]]}
    answers["GET /internal/sources"] = lambda _: {"sources": [source()]}
    api.journeys.answers["POST /internal/journeys/read"] = lambda body: {
        "journeys": [
            journey(item["key"], version=item["version"], personas=["family", f"persona-{item['version']}"])
            for item in body["items"]
        ]
    }
    api.personas.answers["POST /internal/personas/read"] = lambda body: {
        "personas": [persona(item["key"]) for item in body["items"]]
    }


QUERY = """query ($first: Int) { instances(first: $first) { edges { node {
    phase { key touchpoints { key } }
    journey { version phases { key } personas { key } }
    customer { id lastContact { messageId source { key } } }
    steps { edges { node { phase { key } touchpoint { key } event { messageId source { key } } } } }
} } } }"""


async def test_a_list_of_twenty_costs_one_call_per_kind(api: Gateway) -> None:
    many(api, 20)
    found = await api.data(QUERY, variables={"first": 20})
    assert sorted(api.events.paths()) == [
        "/internal/customers/read",
        "/internal/events/read",
        "/internal/instances/query",
        "/internal/sources",
        "/internal/steps",
        "/internal/timelines",
    ]
    assert api.journeys.paths() == ["/internal/journeys/read"]
    assert api.personas.paths() == ["/internal/personas/read"]
    last = found["instances"]["edges"][19]["node"]
    assert last["journey"]["version"] == 20
    assert last["journey"]["personas"] == [{"key": "family"}, {"key": "persona-20"}]
    assert last["customer"]["lastContact"]["messageId"] == "m-k19-e"
    assert [edge["node"]["event"]["messageId"] for edge in last["steps"]["edges"]] == [
        "m-i19-e0",
        "m-i19-e1",
        "m-i19-e2",
    ]
    assert [edge["node"]["phase"]["key"] for edge in last["steps"]["edges"]] == ["p0", "p1", "p2"]


async def test_twenty_customers_with_instances_phases_and_personas_cost_one_call_per_kind(api: Gateway) -> None:
    many(api, 0)
    api.events.answers["POST /internal/customers/find"] = lambda body: {
        "customers": [customer(f"k{identifier['value']}") for identifier in body["identifiers"]]
    }
    api.events.answers["POST /internal/instances/of-customers"] = lambda body: {
        "pages": [
            page([instance(f"{id}-{n}", customerId=id, version=int(id[1:]) * 2 + n + 1) for n in range(2)])
            for id in body["customers"]
        ]
    }
    one = """c%d: customer(identifier: {type: "user_id", value: "%d"}) { traits instances { edges { node {
        status phase { key touchpoints { key } } journey { version personas { name } } } } } }"""
    found = await api.data("{ " + " ".join(one % (number, number) for number in range(20)) + " }")
    assert sorted(api.events.paths()) == ["/internal/customers/find", "/internal/instances/of-customers"]
    assert (api.journeys.paths(), api.personas.paths()) == (["/internal/journeys/read"], ["/internal/personas/read"])
    versions = [
        [edge["node"]["journey"]["version"] for edge in found[f"c{number}"]["instances"]["edges"]]
        for number in range(20)
    ]
    assert versions == [[2 * number + 1, 2 * number + 2] for number in range(20)]


async def test_twenty_explanations_cost_one_call_and_their_events_another(api: Gateway) -> None:
    many(api, 20)
    api.events.answers["POST /internal/instances/explain"] = lambda body: {
        "explanations": [
            [explanation(f"{id}-e"), explanation("shared", "gone"), explanation()] for id in body["instances"]
        ]
    }
    api.events.answers["POST /internal/events/read"] = lambda body: {
        "events": [None if id == "gone" else event(id) for id in body["ids"]]
    }
    query = "{ instances { edges { node { explain { text rule modelVersion events { messageId } } } } } }"
    found = await api.data(query)
    assert sorted(api.events.paths()) == [
        "/internal/events/read",
        "/internal/instances/explain",
        "/internal/instances/query",
    ]
    common = {"text": "Because.", "rule": 'name == "Buy"', "modelVersion": 1}
    assert found["instances"]["edges"][19]["node"]["explain"] == [
        common | {"events": [{"messageId": "m-i19-e"}]},
        common | {"events": [{"messageId": "m-shared"}]},
        common | {"events": []},
    ]


async def test_an_instance_that_has_gone_meanwhile_is_not_explained(api: Gateway) -> None:
    many(api, 2)
    api.events.answers["POST /internal/instances/explain"] = lambda _: {"explanations": [None, [explanation()]]}
    errors = await api.errors("{ instances { edges { node { explain { text } } } } }")
    assert errors == [("instances.edges.0.node.explain", "NOT_FOUND")]


async def test_a_list_of_twenty_customers_costs_one_call_per_kind(api: Gateway) -> None:
    many(api, 0)
    api.events.answers["POST /internal/customers/query"] = lambda body: page(
        [customer(f"k{number}") for number in range(body["first"])]
    )
    api.events.answers["POST /internal/instances/of-customers"] = lambda body: {
        "pages": [page([instance(f"i{id}", customerId=id, version=int(id[1:]) + 1)]) for id in body["customers"]]
    }
    api.events.answers["POST /internal/customers/ledgers"] = lambda body: {
        "ledgers": [[ledger_entry(f"l{id}-{n}", eventId=f"{id}-{n}") for n in range(2)] for id in body["customers"]]
    }
    query = """{ customers(first: 20) { edges { node {
        traits instances { edges { node { status phase { key } journey { version personas { name } } } } }
        ledger { reason event { messageId } } } } } }"""
    found = [edge["node"] for edge in (await api.data(query))["customers"]["edges"]]
    assert sorted(api.events.paths()) == [
        "/internal/customers/ledgers",
        "/internal/customers/query",
        "/internal/events/read",
        "/internal/instances/of-customers",
    ]
    assert (api.journeys.paths(), api.personas.paths()) == (["/internal/journeys/read"], ["/internal/personas/read"])
    assert [one["instances"]["edges"][0]["node"]["journey"]["version"] for one in found] == list(range(1, 21))
    assert [[entry["event"]["messageId"] for entry in one["ledger"]] for one in found] == [
        [f"m-k{number}-0", f"m-k{number}-1"] for number in range(20)
    ]


async def test_the_versions_of_a_page_of_models_cost_one_call(api: Gateway) -> None:
    listed = {"hasNextPage": False, "totalCount": 20}
    models = ((api.journeys, "journeys", journey), (api.personas, "personas", persona))
    for upstream, name, build in models:
        items = [build(f"m{number}") for number in range(20)]
        upstream.answers[f"GET /internal/{name}"] = lambda _, items=items: listed | {"items": items}
        upstream.answers[f"POST /internal/{name}/versions"] = lambda body, build=build: {
            "versions": [[build(key, version=2), build(key)] for key in body["keys"]]
        }
        found = await api.data(f"{{ {name} {{ edges {{ node {{ versions {{ key version }} }} }} }} }}")
        assert upstream.paths() == [f"/internal/{name}", f"/internal/{name}/versions"]
        shown = [[(one["key"], one["version"]) for one in edge["node"]["versions"]] for edge in found[name]["edges"]]
        assert shown == [[(f"m{number}", 2), (f"m{number}", 1)] for number in range(20)]


async def test_twenty_customers_with_who_they_are_and_where_cost_one_call_per_kind(api: Gateway) -> None:
    many(api, 0)
    api.events.answers |= {
        "POST /internal/customers/find": lambda body: {
            "customers": [customer(f"k{identifier['value']}") for identifier in body["identifiers"]]
        },
        "POST /internal/personas/of-customers": lambda body: {
            "assignments": [assignment(f"p-{id}", f"{id}-e", version=int(id[1:]) + 1) for id in body["customers"]]
        },
        "POST /internal/instances/of-customers": lambda body: {
            "pages": [page([instance(f"{id}-i", customerId=id)]) for id in body["customers"]]
        },
    }
    one = """c%d: customer(identifier: {type: "user_id", value: "%d"}) {
        persona { version fit persona { key } because { events { messageId } } }
        instances { edges { node { status phase { key } } } } }"""
    found = await api.data("{ " + " ".join(one % (number, number) for number in range(20)) + " }")
    assert sorted(api.events.paths()) == [
        "/internal/customers/find",
        "/internal/events/read",
        "/internal/instances/of-customers",
        "/internal/personas/of-customers",
    ]
    assert (api.journeys.paths(), api.personas.paths()) == ([], ["/internal/personas/read"])
    assert [found[f"c{number}"]["persona"] for number in range(20)] == [
        {
            "version": number + 1,
            "fit": 1.0,
            "persona": {"key": f"p-k{number}"},
            "because": [{"events": [{"messageId": f"m-k{number}-e"}]}],
        }
        for number in range(20)
    ]


async def test_no_call_asks_for_more_than_a_hundred(api: Gateway) -> None:
    many(api, 100)
    await api.data(QUERY, variables={"first": 100})
    assert [len(body["ids"]) for body in api.events.bodies("/internal/events/read")] == [100, 100, 100]
    assert [len(body["instances"]) for body in api.events.bodies("/internal/steps")] == [100]


async def test_different_pages_of_one_relation_are_not_mixed(api: Gateway) -> None:
    many(api, 2)
    query = """{ instances { edges { node {
        a: steps(first: 1) { edges { cursor } } b: steps(first: 2) { edges { cursor } } } } } }"""
    await api.data(query)
    assert [(body["instances"], body["first"]) for body in api.events.bodies("/internal/steps")] == [
        (["i0", "i1"], 1),
        (["i0", "i1"], 2),
    ]


async def test_what_is_asked_twice_is_fetched_once(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda body: {
        "customers": [customer()] * len(body["identifiers"])
    }
    query = """{ a: customer(identifier: {type: "user_id", value: "u1"}) { id }
                 b: customer(identifier: {type: "user_id", value: "u1"}) { firstSeenAt } }"""
    await api.data(query)
    assert api.events.bodies("/internal/customers/find") == [{"identifiers": [{"type": "user_id", "value": "u1"}]}]


async def test_nothing_is_kept_between_requests(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda body: {"customers": [customer()]}
    for _ in range(2):
        await api.data('{ customer(identifier: {type: "user_id", value: "u1"}) { id } }')
    assert len(api.events.bodies("/internal/customers/find")) == 2
