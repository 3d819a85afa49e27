"""A customer with everything on it, and pages of it."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from tests.gateway.documents import (
    customer,
    event,
    identifier,
    instance,
    journey,
    phase,
    problem,
    source,
    step,
    touchpoint,
)
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

FIND = 'customer(identifier: {type: "user_id", value: "u1"})'


def gid(kind: str, key: str) -> str:
    return urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    answers = api.events.answers
    answers["POST /internal/customers/find"] = lambda body: {"customers": [customer() for _ in body["identifiers"]]}
    answers["POST /internal/customers/read"] = lambda body: {"customers": [customer(id) for id in body["ids"]]}
    answers["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    answers["GET /internal/sources"] = lambda _: {"sources": [source()]}


async def test_who_it_is(api: Gateway) -> None:
    query = """{ %s { id identifiers { type value trust firstSeenAt } traits
        traitHistory { key value occurredAt source } firstSeenAt lastSeenAt } }"""
    assert await api.data(query % FIND) == {
        "customer": {
            "id": gid("Customer", "k1"),
            "identifiers": [identifier()],
            "traits": {"plan": "gold"},
            "traitHistory": [
                {"key": "plan", "value": "gold", "occurredAt": "2026-03-01T10:00:00Z", "source": "api"},
            ],
            "firstSeenAt": "2026-03-01T10:00:00Z",
            "lastSeenAt": "2026-03-04T10:00:00Z",
        }
    }
    assert api.events.bodies("/internal/customers/find") == [{"identifiers": [{"type": "user_id", "value": "u1"}]}]


async def test_nobody_is_null(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [None]}
    assert await api.ask("{ " + FIND + " { id } }") == {"data": {"customer": None}}


@pytest.mark.parametrize("value", ["k1", gid("Customer", "k1")])
async def test_a_customer_is_found_by_its_id_in_either_spelling(api: Gateway, value: str) -> None:
    query = 'query ($value: String!) { customer(identifier: {type: "customer_id", value: $value}) { id } }'
    assert await api.data(query, variables={"value": value}) == {"customer": {"id": gid("Customer", "k1")}}
    assert api.events.bodies("/internal/customers/find") == [{"identifiers": [{"type": "customer_id", "value": "k1"}]}]


async def test_its_timeline(api: Gateway) -> None:
    properties = {"price": 12.5, "size": None}
    events = [
        event("e2", properties=properties, source="gone"),
        event("e1", sentAt="2026-03-01T10:00:00.5Z", clamped=True),
    ]
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [page(events, hasNextPage=True)]}
    query = """{ %s { timeline(first: 2, after: "c9", journey: "purchase", channel: ["web"], name: ["A", "B"]) {
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id messageId kind name source { id key name kind defaultChannel origins trust paused }
            channel device properties context identifiers { value } occurredAt originalTimestamp sentAt receivedAt
            clamped } } } } }"""
    found = (await api.data(query % FIND))["customer"]["timeline"]
    assert found["pageInfo"] == {
        "hasNextPage": True, "hasPreviousPage": False, "startCursor": "c0", "endCursor": "c1",
    }  # fmt: skip
    first, second = found["edges"]
    assert (first["cursor"], first["node"]["properties"], first["node"]["source"]) == ("c0", properties, None)
    assert second == {
        "cursor": "c1",
        "node": {
            "id": gid("TouchpointEvent", "e1"),
            "messageId": "m-e1",
            "kind": "track",
            "name": "Product Viewed",
            "source": source() | {"id": gid("Source", "website")},
            "channel": "web",
            "device": "mobile",
            "properties": {},
            "context": {},
            "identifiers": [{"value": "u1"}],
            "occurredAt": "2026-03-01T10:00:00Z",
            "originalTimestamp": None,
            "sentAt": "2026-03-01T10:00:00.5Z",
            "receivedAt": "2026-03-01T10:00:01Z",
            "clamped": True,
        },
    }
    assert api.events.bodies("/internal/timelines") == [
        {
            "customers": ["k1"],
            "first": 2,
            "after": "c9",
            "journey": "purchase",
            "channel": ["web"],
            "name": ["A", "B"],
        }
    ]


async def test_its_first_and_last_contact(api: Gateway) -> None:
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [page([event("e250")], hasNextPage=True)]}
    api.events.answers["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    found = await api.data("{ " + FIND + " { firstContact { messageId } lastContact { messageId } } }")
    assert found["customer"] == {"firstContact": {"messageId": "m-e1"}, "lastContact": {"messageId": "m-e250"}}


async def test_an_empty_page_may_have_a_next_one(api: Gateway) -> None:
    """Where a filter lets nothing of a stretch pass, the page says where to go on."""
    empty = page([], hasNextPage=True, endCursor="c7")
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [empty]}
    query = "{ " + FIND + " { timeline { pageInfo { hasNextPage endCursor } } } }"
    assert (await api.data(query))["customer"] == {
        "timeline": {"pageInfo": {"hasNextPage": True, "endCursor": "c7"}},
    }


async def test_a_customer_without_events_has_no_contacts(api: Gateway) -> None:
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [page([])]}
    api.events.answers["POST /internal/events/read"] = lambda _: {"events": [None]}
    found = await api.data("{ " + FIND + " { firstContact { name } lastContact { name } } }")
    assert found["customer"] == {"firstContact": None, "lastContact": None}


async def test_its_instances_with_their_steps(api: Gateway) -> None:
    dropped = instance(
        status="ABANDONED",
        endedAt="2026-03-31T10:00:00Z",
        key="o1",
        run=2,
        dropOff={"reason": "EXTRA_COST", "phase": phase("cart"), "at": "2026-03-31T10:00:00Z", "evidence": ["e7"]},
    )
    off_map = step(touchpoint=None, direction="STAY", eventId="e8")
    api.events.answers["POST /internal/instances/of-customers"] = lambda _: {"pages": [page([dropped], totalCount=1)]}
    api.events.answers["POST /internal/steps"] = lambda _: {"pages": [page([step(), off_map])]}
    api.journeys.answers["POST /internal/journeys/read"] = lambda _: {"journeys": [journey()]}
    query = """{ %s { instances(first: 5, journey: "purchase", key: "o1", status: [ABANDONED, RETURNED]) {
        totalCount
        edges { node { id journey { name version } journeyKey version customer { id } key run status
            phase { key mandatory } touchpoint { key recognisedBy } startedAt lastEventAt endedAt dueAt
            dropOff { reason phase { key } at evidence { messageId } }
            steps { pageInfo { hasNextPage } edges { cursor node {
                touchpoint { key } phase { key } direction channel device occurredAt event { messageId } } } }
        } } } } }"""
    assert (await api.data(query % FIND))["customer"]["instances"] == {
        "totalCount": 1,
        "edges": [
            {
                "node": {
                    "id": gid("JourneyInstance", "i1"),
                    "journey": {"name": "Purchase", "version": 1},
                    "journeyKey": "purchase",
                    "version": 1,
                    "customer": {"id": gid("Customer", "k1")},
                    "key": "o1",
                    "run": 2,
                    "status": "ABANDONED",
                    "phase": {"key": "orientation", "mandatory": True},
                    "touchpoint": {"key": "view", "recognisedBy": 'name == "view"'},
                    "startedAt": "2026-03-01T10:00:00Z",
                    "lastEventAt": "2026-03-01T10:00:00Z",
                    "endedAt": "2026-03-31T10:00:00Z",
                    "dueAt": "2026-03-31T10:00:00Z",
                    "dropOff": {
                        "reason": "EXTRA_COST",
                        "phase": {"key": "cart"},
                        "at": "2026-03-31T10:00:00Z",
                        "evidence": [{"messageId": "m-e7"}],
                    },
                    "steps": {
                        "pageInfo": {"hasNextPage": False},
                        "edges": [
                            {
                                "cursor": "c0",
                                "node": {
                                    "touchpoint": {"key": "view"},
                                    "phase": {"key": "orientation"},
                                    "direction": "START",
                                    "channel": "web",
                                    "device": "mobile",
                                    "occurredAt": "2026-03-01T10:00:00Z",
                                    "event": {"messageId": "m-e1"},
                                },
                            },
                            {
                                "cursor": "c1",
                                "node": {
                                    "touchpoint": None,
                                    "phase": {"key": "orientation"},
                                    "direction": "STAY",
                                    "channel": "web",
                                    "device": "mobile",
                                    "occurredAt": "2026-03-01T10:00:00Z",
                                    "event": {"messageId": "m-e8"},
                                },
                            },
                        ],
                    },
                }
            }
        ],
    }
    assert api.events.bodies("/internal/instances/of-customers") == [
        {
            "customers": ["k1"],
            "first": 5,
            "after": None,
            "journey": "purchase",
            "key": "o1",
            "status": ["ABANDONED", "RETURNED"],
        }
    ]
    assert api.journeys.bodies("/internal/journeys/read") == [
        {"items": [{"key": "purchase", "version": 1, "draft": False}]}
    ]


async def test_instances_are_filtered_as_asked(api: Gateway) -> None:
    api.events.answers["POST /internal/instances/query"] = lambda _: page([instance()], totalCount=7)
    query = """{ instances(first: 3, after: "c2", where: {journey: "purchase", version: 2, status: [ACTIVE],
        phase: "cart", key: "o1", startedIn: {from: "2026-01-01T01:00:00+01:00"}, endedIn: {to: "2026-02-01T00:00:00Z"},
        dropOffReason: OTHER}) { totalCount edges { node { touchpoint { key } } } } }"""
    assert await api.data(query) == {
        "instances": {"totalCount": 7, "edges": [{"node": {"touchpoint": {"key": touchpoint()["key"]}}}]}
    }
    assert api.events.bodies("/internal/instances/query") == [
        {
            "where": {
                "journey": "purchase",
                "version": 2,
                "status": ["ACTIVE"],
                "phase": "cart",
                "key": "o1",
                "startedIn": {"from": "2026-01-01T00:00:00Z"},
                "endedIn": {"to": "2026-02-01T00:00:00Z"},
                "dropOffReason": "OTHER",
            },
            "first": 3,
            "after": "c2",
        }
    ]


async def test_an_event_knows_the_instances_that_took_it(api: Gateway) -> None:
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [page([event("e1"), event("e2")])]}
    api.events.answers["POST /internal/instances/of-events"] = lambda _: {
        "instances": [[instance("i1"), instance("i2")], []]
    }
    found = await api.data("{ " + FIND + " { timeline { edges { node { instances { id } } } } } }")
    assert [edge["node"]["instances"] for edge in found["customer"]["timeline"]["edges"]] == [
        [{"id": gid("JourneyInstance", "i1")}, {"id": gid("JourneyInstance", "i2")}],
        [],
    ]
    assert api.events.bodies("/internal/instances/of-events") == [{"events": ["e1", "e2"]}]


@pytest.mark.parametrize("first", ["0", "-1", "101", "100000"])
@pytest.mark.parametrize("field", ["instances", "rejectedEvents"])
async def test_a_page_has_between_1_and_100_items(api: Gateway, field: str, first: str) -> None:
    assert await api.errors(f"{{ {field}(first: {first}) {{ totalCount }} }}") == [(field, "BAD_PAGE")]
    assert api.events.paths() == []


async def test_a_page_of_null_items_has_the_usual_size(api: Gateway) -> None:
    api.events.answers["POST /internal/instances/query"] = lambda _: page([])
    await api.data("{ instances(first: null, after: null, where: null) { totalCount } }")
    assert api.events.bodies("/internal/instances/query") == [{"where": {}, "first": 20, "after": None}]


async def test_a_bad_cursor_is_told_with_its_code(api: Gateway) -> None:
    api.events.answers["POST /internal/instances/query"] = problem(422, "BAD_CURSOR", "Not a cursor.")
    answer = await api.ask('{ instances(after: "x") { totalCount } }')
    [error] = answer["errors"]
    assert (error["message"], error["path"], error["extensions"]) == (
        "Not a cursor.",
        ["instances"],
        {"code": "BAD_CURSOR"},
    )
