"""Anything can be fetched again by the id that an answer gave."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.relay import global_id
from tests.gateway.documents import customer, event, instance, journey, persona, rejected_event, source, workspace
from tests.gateway.harness import Gateway

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
IDS = {
    "Workspace": ("default",),
    "Persona": ("1:commuter", "draft:commuter"),
    "Journey": ("3:purchase", "draft:purchase"),
    "Customer": ("k1",),
    "JourneyInstance": ("i1",),
    "TouchpointEvent": ("e1",),
    "RejectedEvent": ("7-2",),
    "Source": ("website",),
}
EACH = [(kind, key) for kind, keys in IDS.items() for key in keys]


@pytest.fixture(autouse=True)
def running(api: Gateway) -> None:
    def versions(name: str, build: Any) -> Any:
        return lambda body: {
            name: [build(item["key"], version=None if item["draft"] else item["version"]) for item in body["items"]]
        }

    api.personas.answers["POST /internal/personas/read"] = versions("personas", persona)
    api.journeys.answers["POST /internal/journeys/read"] = versions("journeys", journey)
    events = api.events.answers
    events["POST /internal/customers/read"] = lambda body: {"customers": [customer(id) for id in body["ids"]]}
    events["POST /internal/instances/read"] = lambda body: {"instances": [instance(id) for id in body["ids"]]}
    events["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    events["POST /internal/rejected-events/read"] = lambda body: {
        "rejectedEvents": [rejected_event(id) for id in body["ids"]]
    }
    events["GET /internal/workspace"] = lambda _: workspace()
    events["GET /internal/sources"] = lambda _: {"sources": [source()]}


@pytest.mark.parametrize(("kind", "key"), EACH)
async def test_a_node_is_what_its_id_was_given_to(api: Gateway, kind: str, key: str) -> None:
    id = global_id(kind, key)
    assert await api.data(NODE, variables={"id": id}) == {"node": {"__typename": kind, "id": id}}


async def test_nodes_come_in_the_order_asked_with_one_call_for_each_kind(api: Gateway) -> None:
    ids = [global_id(kind, key) for kind, key in EACH] * 2
    found = (await api.data(NODES, variables={"ids": ids}))["nodes"]
    assert [node["id"] for node in found] == ids
    assert api.personas.paths() == ["/internal/personas/read"]
    assert api.journeys.paths() == ["/internal/journeys/read"]
    assert len(api.events.paths()) == 6


async def test_what_is_not_there_any_more_is_null(api: Gateway) -> None:
    api.personas.answers["POST /internal/personas/read"] = lambda _: {"personas": [None]}
    gone = (("Persona", "9:commuter"), ("Workspace", "other"), ("Source", "nothing"))
    ids = [global_id(kind, key) for kind, key in (*gone, ("Source", "website"))]
    found = (await api.data(NODES, variables={"ids": ids}))["nodes"]
    assert found == [None, None, None, {"__typename": "Source", "id": ids[3]}]


async def test_one_that_fails_leaves_the_others_alone(api: Gateway) -> None:
    api.personas.away = True
    ids = [global_id("Persona", "1:commuter"), global_id("Journey", "3:purchase")]
    answer = await api.ask(NODES, variables={"ids": ids})
    assert answer["data"] == {"nodes": [None, {"__typename": "Journey", "id": ids[1]}]}
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
        (["nodes", 0], {"code": "UPSTREAM_UNAVAILABLE"})
    ]


@pytest.mark.parametrize(
    "id",
    ["", "x", "é", global_id("Planet", "mars"), global_id("Persona", "commuter"), global_id("Persona", "²:commuter")],
)
async def test_an_id_that_nobody_gave_is_refused(api: Gateway, id: str) -> None:
    assert await api.errors(NODE, variables={"id": id}) == [("node", "BAD_ID")]


async def test_an_id_that_nobody_gave_leaves_the_others_alone(api: Gateway) -> None:
    good = global_id("Persona", "1:commuter")
    answer = await api.ask(NODES, variables={"ids": ["stale", good]})
    assert answer["data"] == {"nodes": [None, {"__typename": "Persona", "id": good}]}
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [(["nodes", 0], {"code": "BAD_ID"})]


async def test_at_most_a_hundred_are_asked_for_at_once(api: Gateway) -> None:
    id = global_id("Customer", "k1")
    answer = await api.ask(NODES, variables={"ids": [id] * 101})
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "BAD_PAGE"}]
    assert len((await api.data(NODES, variables={"ids": [id] * 100}))["nodes"]) == 100


@pytest.mark.parametrize(("kind", "key"), EACH)
async def test_a_node_needs_the_scope_of_its_kind(api: Gateway, kind: str, key: str) -> None:
    of_models = kind in ("Workspace", "Persona", "Journey")
    allowed, refused = ("sk_models", "sk_bare") if of_models else ("sk_bare", "sk_models")
    id = global_id(kind, key)
    assert (await api.data(NODE, variables={"id": id}, key=allowed))["node"]["id"] == id
    called = len(api.events.paths() + api.journeys.paths() + api.personas.paths())
    assert await api.errors(NODE, variables={"id": id}, key=refused) == [("node", "FORBIDDEN")]
    assert await api.errors(NODES, variables={"ids": [id]}, key=refused) == [("nodes", "FORBIDDEN")]
    assert len(api.events.paths() + api.journeys.paths() + api.personas.paths()) == called


async def test_personal_fields_of_a_node_need_their_own_scope_too(api: Gateway) -> None:
    query = "query ($id: ID!) { node(id: $id) { ... on Customer { traits } } }"
    answer = await api.ask(query, variables={"id": global_id("Customer", "k1")}, key="sk_bare")
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "FORBIDDEN"}]
