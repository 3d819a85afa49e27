"""Sources over GraphQL: what they are, how they do, and their keys."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.relay import global_id
from infra.chassis.errors import Flaw
from tests.gateway.documents import problem, source
from tests.gateway.harness import Gateway

KEY = {"id": "0a", "prefix": "wk_abc", "secret": False, "createdAt": "2026-03-01T10:00:00Z", "expiresAt": None}
HEALTH = "/internal/sources/health"
SAVE = "mutation ($input: SourceInput!) { saveSource(input: $input) { source { key } key errors { code path } } }"


def health(body: dict[str, Any]) -> dict[str, Any]:
    one = {"lastEventAt": None, "accepted": 3, "newNames": ["New"], "vanishedNames": ["Old"]}
    rejected = [{"code": "BAD_VALUE", "count": 2}, {"code": "TOO_LARGE", "count": 1}]
    return {"health": [one | {"rejected": rejected} for _ in body["sources"]]}


async def test_the_health_of_all_sources_is_one_call_for_each_period(api: Gateway) -> None:
    api.events.answers["GET /internal/sources"] = lambda _: {"sources": [source("a", keys=[KEY]), source("b")]}
    api.events.answers[f"POST {HEALTH}"] = health
    found = await api.data(
        """{ sources { key keys { id prefix secret createdAt expiresAt } lastEventAt newNames vanishedNames accepted
            rejected(period: {from: "2026-03-01T00:00:00Z"}) rejectedByCode { code count } } }"""
    )
    same = {"lastEventAt": None, "newNames": ["New"], "vanishedNames": ["Old"], "accepted": 3, "rejected": 3}
    by_code = [{"code": "BAD_VALUE", "count": 2}, {"code": "TOO_LARGE", "count": 1}]
    assert found["sources"] == [
        {"key": "a", "keys": [KEY], "rejectedByCode": by_code} | same,
        {"key": "b", "keys": [], "rejectedByCode": by_code} | same,
    ]
    periods = [body["period"] for body in api.events.bodies(HEALTH)]
    assert sorted(periods, key=str) == [
        {"from": "2026-03-01T00:00:00Z", "to": None},
        {"from": None, "to": None},
    ]
    assert all(body["sources"] == ["a", "b"] for body in api.events.bodies(HEALTH))


async def test_a_source_is_saved_and_its_first_key_told(api: Gateway) -> None:
    api.events.answers["PUT /internal/sources"] = lambda body: {"source": source(body["key"]), "key": "wk_new"}
    saved = await api.data(SAVE, variables={"input": {"key": "crm", "name": "CRM", "trust": "VERIFIED"}})
    assert saved["saveSource"] == {"source": {"key": "crm"}, "key": "wk_new", "errors": []}
    assert api.events.bodies("/internal/sources") == [
        {"key": "crm", "name": "CRM", "kind": "website", "trust": "VERIFIED", "paused": False}
    ]


async def test_a_source_that_cannot_be_is_refused_with_its_place(api: Gateway) -> None:
    flaw = Flaw("BAD_VALUE", "No.", ("kind",))
    api.events.answers["PUT /internal/sources"] = problem(422, "BAD_VALUE", "No.", [flaw])
    saved = await api.data(SAVE, variables={"input": {"key": "crm", "name": "CRM", "kind": "fax"}})
    assert saved["saveSource"] == {"source": None, "key": None, "errors": [{"code": "BAD_VALUE", "path": ["kind"]}]}


async def test_keys_are_rotated_within_the_scopes_of_who_asks_and_revoked(api: Gateway) -> None:
    rotated = {"key": "wk_next", "graceUntil": "2026-03-02T10:00:00Z"}
    api.events.answers["POST /internal/sources/rotate-key"] = lambda _: rotated
    api.events.answers["POST /internal/sources/revoke-key"] = problem(404, "UNKNOWN_KEY", "None.")
    found = await api.data(
        """mutation { rotateKey(source: "crm") { key graceUntil errors { code } }
            revokeKey(id: "0a") { key graceUntil errors { code } } }"""
    )
    assert found["rotateKey"] == rotated | {"errors": []}
    assert found["revokeKey"] == {"key": None, "graceUntil": None, "errors": [{"code": "UNKNOWN_KEY"}]}
    [body] = api.events.bodies("/internal/sources/rotate-key")
    assert (body["source"], "sources:write" in body["scopes"], "export" in body["scopes"]) == ("crm", True, False)


async def test_rejected_events_are_sent_again_with_a_result_each(api: Gateway) -> None:
    results = [
        {"messageId": "m1", "status": "ACCEPTED", "code": None, "message": None, "path": []},
        {"messageId": None, "status": "REJECTED", "code": "UNKNOWN_REJECTED_EVENT", "message": "None.", "path": []},
    ]
    answer = {"accepted": 1, "rejected": 1, "results": results, "position": "p9"}
    api.events.answers["POST /internal/rejected-events/resubmit"] = lambda _: answer
    ids = [global_id("RejectedEvent", "7-2"), global_id("Customer", "7-2")]
    done = await api.data(
        """mutation ($ids: [ID!]!) { resubmitRejectedEvents(ids: $ids) {
            accepted rejected results { messageId status code } position errors { code } } }""",
        variables={"ids": ids},
    )
    assert done["resubmitRejectedEvents"] == {
        "accepted": 1,
        "rejected": 1,
        "results": [
            {"messageId": "m1", "status": "ACCEPTED", "code": None},
            {"messageId": "", "status": "REJECTED", "code": "UNKNOWN_REJECTED_EVENT"},
        ],
        "position": "p9",
        "errors": [],
    }
    assert api.events.bodies("/internal/rejected-events/resubmit") == [{"ids": ["7-2", ""]}]


@pytest.mark.parametrize("key", ["sk_bare", "sk_models"])
async def test_sources_are_administered_by_who_may(api: Gateway, key: str) -> None:
    assert await api.errors("{ sources { key } }", key=key) == [("sources", "FORBIDDEN")]
    revoke = 'mutation { revokeKey(id: "0a") { key } }'
    assert await api.errors(revoke, key=key) == [("revokeKey", "FORBIDDEN")]
    assert "/internal/sources/revoke-key" not in api.events.paths()
