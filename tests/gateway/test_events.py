"""Recording events, identifying customers, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.documents import customer, problem, source
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

RECORD = """mutation ($events: [EventInput!]!, $wait: Boolean) { recordEvents(events: $events, wait: $wait) {
    accepted rejected results { messageId status code message } position errors { code message path } } }"""
IDENTIFY = """mutation ($traits: JSON, $wait: Boolean, $messageId: String) {
    identify(identifiers: [{type: "user_id", value: "u1"}, {type: "email", value: "a@b.nl"}], traits: $traits,
        occurredAt: "2026-03-01T10:00:00Z", messageId: $messageId, wait: $wait) {
    customer { traits } position errors { code message path } } }"""
EVENTS = "/internal/events"
WAIT = "/internal/projection/wait"


def event_input(message_id: str = "m1", **more: Any) -> dict[str, Any]:
    return {"messageId": message_id, "name": "Viewed", "identifiers": [{"type": "user_id", "value": "u1"}]} | more


def recorded(*results: dict[str, Any], position: str | None = "p5") -> dict[str, Any]:
    accepted = sum(result["status"] == "ACCEPTED" for result in results)
    numbered = [{"index": index, **result} for index, result in enumerate(results)]
    return {"accepted": accepted, "rejected": len(results) - accepted, "results": numbered, "position": position}


ACCEPTED = {"messageId": "m1", "status": "ACCEPTED", "code": None, "message": None, "path": None}
REJECTED = {
    "messageId": "m2",
    "status": "REJECTED",
    "code": "NO_IDENTIFIER",
    "message": "none",
    "path": ["identifiers"],
}


async def test_each_event_has_its_result(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED, REJECTED)
    response = await api.post(RECORD, variables={"events": [event_input(), event_input("m2", identifiers=[])]})
    assert response.json() == {
        "data": {
            "recordEvents": {
                "accepted": 1,
                "rejected": 1,
                "results": [
                    {"messageId": "m1", "status": "ACCEPTED", "code": None, "message": None},
                    {"messageId": "m2", "status": "REJECTED", "code": "NO_IDENTIFIER", "message": "none"},
                ],
                "position": "p5",
                "errors": [],
            }
        }
    }
    assert response.headers["klantreis-position"] == "p5"
    assert api.events.paths() == [EVENTS]


async def test_events_belong_to_the_source_of_the_key_and_are_verified(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED, ACCEPTED)
    whole = event_input(
        kind="page",
        occurredAt="1970-01-01T00:00:00.123456789Z",
        sequence=7,
        channel="web",
        device="mobile",
        properties={"order_id": 2**53 + 1},
        traits={"plan": None},
        context=[],
    )
    await api.data(RECORD, variables={"events": [whole, event_input("m2", occurredAt=None, properties=None)]})
    assert api.events.bodies(EVENTS) == [
        {
            "source": "api",
            "trust": "VERIFIED",
            "wait": False,
            "events": [
                whole | {"occurredAt": "1970-01-01T00:00:00.123456Z"},
                event_input("m2", kind="track"),
            ],
        }
    ]


async def test_an_event_whose_message_id_cannot_be_read_has_its_result_all_the_same(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED, REJECTED | {"messageId": None})
    answer = await api.data(RECORD, variables={"events": [event_input(), event_input("a\u0000")]})
    results = answer["recordEvents"]["results"]
    assert [(one["messageId"], one["status"]) for one in results] == [("m1", "ACCEPTED"), ("a\u0000", "REJECTED")]
    assert answer["recordEvents"]["position"] == "p5"


VALUES = {
    "beyond 2^53": 2**53 + 1,
    "beyond 64 bits": -(2**64),
    "far beyond": 10**300 + 1,
    "float": 0.1,
    "whole float": 1.0,
    "text": 'é \u0000 \u2028 \U0001f600 \\ " </script> \ufeff',
    "": [None, True, {"a": {}}, []],
}


async def test_json_passes_unchanged_both_ways(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    await api.data(RECORD, variables={"events": [event_input(properties=VALUES)]})
    [sent] = api.events.bodies(EVENTS)
    assert sent["events"][0]["properties"] == VALUES
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [customer(traits=VALUES)]}
    found = await api.data('{ customer(identifier: {type: "user_id", value: "u1"}) { traits } }')
    assert found["customer"]["traits"] == VALUES
    assert isinstance(found["customer"]["traits"]["whole float"], float)


async def test_a_literal_in_the_document_passes_unchanged(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    mutation = """mutation { recordEvents(events: [{messageId: "m1", name: "A", identifiers: [],
        properties: {n: 123456789012345678901234567890, t: "\\u00e9\\u{1F600}", l: [null, true, 1.5]}}]) {
        accepted } }"""
    await api.data(mutation)
    [sent] = api.events.bodies(EVENTS)
    assert sent["events"][0]["properties"] == {
        "n": 123456789012345678901234567890,
        "t": "é\U0001f600",
        "l": [None, True, 1.5],
    }


async def test_json_that_is_nested_without_end_is_refused(api: Gateway) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert await api.errors(RECORD, variables={"events": [event_input(properties=deep)]}) == [("", "BAD_VALUE")]
    assert api.events.paths() == []


async def test_a_request_that_is_refused_as_a_whole(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = problem(413, "TOO_LARGE", "At most 2,500 events.")
    response = await api.post(RECORD, variables={"events": [event_input()]})
    assert response.json()["data"]["recordEvents"] == {
        "accepted": 0,
        "rejected": 0,
        "results": [],
        "position": None,
        "errors": [{"code": "TOO_LARGE", "message": "At most 2,500 events.", "path": None}],
    }
    assert "klantreis-position" not in response.headers


async def test_nothing_is_called_accepted_while_events_cannot_store(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = problem(503, "UNAVAILABLE")
    answer = await api.ask(RECORD, variables={"events": [event_input()]})
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "UPSTREAM_UNAVAILABLE"}]


@pytest.mark.parametrize("stale", [False, True])
async def test_waiting_for_projection(api: Gateway, stale: bool) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": stale}
    answer = await api.ask(RECORD, variables={"events": [event_input()], "wait": True})
    assert answer["data"]["recordEvents"]["position"] == "p5"
    assert answer.get("extensions") == ({"stale": True} if stale else None)
    assert api.events.bodies(WAIT) == [{"position": "p5"}]


async def test_what_was_accepted_stays_accepted_when_waiting_fails(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    api.events.answers[f"POST {WAIT}"] = problem(503, "UNAVAILABLE")
    answer = await api.ask(RECORD, variables={"events": [event_input()], "wait": True})
    assert answer["data"]["recordEvents"]["accepted"] == 1
    assert answer["extensions"] == {"stale": True}
    assert "errors" not in answer


async def test_identify_records_an_event_and_reads_the_customer_back(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": False}
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [None, customer(traits={"a": 1})]}
    found = await api.data(IDENTIFY, variables={"traits": {"a": 1}, "wait": True, "messageId": "m1"})
    assert found == {"identify": {"customer": {"traits": {"a": 1}}, "position": "p5", "errors": []}}
    identifiers = [{"type": "user_id", "value": "u1"}, {"type": "email", "value": "a@b.nl"}]
    assert [(call.path, call.body) for call in api.events.calls[1:]] == [
        (
            EVENTS,
            {
                "source": "api",
                "trust": "VERIFIED",
                "wait": False,
                "events": [
                    {
                        "messageId": "m1",
                        "kind": "identify",
                        "name": "Identify",
                        "identifiers": identifiers,
                        "occurredAt": "2026-03-01T10:00:00Z",
                        "traits": {"a": 1},
                    }
                ],
            },
        ),
        (WAIT, {"position": "p5"}),
        ("/internal/customers/find", {"identifiers": identifiers}),
    ]


async def test_identify_without_waiting_gives_no_customer_and_a_message_id_of_its_own(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    for _ in range(2):
        found = await api.data(IDENTIFY)
        assert found == {"identify": {"customer": None, "position": "p5", "errors": []}}
    first, second = (body["events"][0]["messageId"] for body in api.events.bodies(EVENTS))
    assert first != second
    assert "/internal/customers/find" not in api.events.paths()


async def test_a_rejected_identify_is_told_in_the_payload(api: Gateway) -> None:
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(REJECTED)
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": False}
    found = await api.data(IDENTIFY, variables={"wait": True})
    assert found["identify"] == {
        "customer": None,
        "position": "p5",
        "errors": [{"code": "NO_IDENTIFIER", "message": "none", "path": ["identifiers"]}],
    }


async def test_a_second_write_in_one_request_forgets_what_was_read_before(api: Gateway) -> None:
    traits = iter([{"n": 1}, {"n": 2}])
    api.events.answers[f"POST {EVENTS}"] = lambda _: recorded(ACCEPTED)
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": False}
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [customer(traits=next(traits))]}
    identify = 'identify(identifiers: [{type: "user_id", value: "u1"}], wait: true) { customer { traits } }'
    found = await api.data(f"mutation {{ a: {identify} b: {identify} }}")
    assert found == {"a": {"customer": {"traits": {"n": 1}}}, "b": {"customer": {"traits": {"n": 2}}}}


async def test_rejected_events(api: Gateway) -> None:
    rejected = {
        "id": "r1",
        "source": "website",
        "receivedAt": "2026-03-01T10:00:00Z",
        "code": "TOO_LARGE",
        "message": "over 32 KiB",
        "path": None,
        "body": '{"event": "é"}',
    }
    api.events.answers["GET /internal/rejected-events"] = lambda _: page([rejected], totalCount=1)
    api.events.answers["GET /internal/sources"] = lambda _: {"sources": [source()]}
    query = """{ rejectedEvents(first: 5, after: "c1", source: "website") { totalCount edges { cursor node {
        source { key } receivedAt code message path body } } } }"""
    node = {name: value for name, value in rejected.items() if name != "id"} | {"source": {"key": "website"}}
    assert await api.data(query) == {"rejectedEvents": {"totalCount": 1, "edges": [{"cursor": "c0", "node": node}]}}
    assert api.events.bodies("/internal/rejected-events") == [{"first": "5", "after": "c1", "source": "website"}]


@pytest.mark.parametrize(("position", "shown"), [("p9", "p9"), (None, "")])
async def test_projection(api: Gateway, position: str | None, shown: str) -> None:
    status = {"logged": 9, "projected": 7, "lag": 2, "oldestUnprojectedAge": "PT0.5S", "rebuilding": True, "stuck": 1}
    rebuild = {"versions": [1, 2], "live": False, "folded": 40, "share": 0.25}
    told = {"position": position, "rebuilds": [rebuild | {"journey": "shop", "customers": 160}]}
    api.events.answers["GET /internal/projection"] = lambda _: status | told
    query = """{ projection { position logged projected lag oldestUnprojectedAge rebuilding stuck
        rebuilds { journeyKey versions live folded share } } }"""
    expected = status | {"position": shown, "rebuilds": [rebuild | {"journeyKey": "shop"}]}
    assert await api.data(query) == {"projection": expected}
