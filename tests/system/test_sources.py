"""A story of a shop that connects its call centre: a source, its keys, and how it does."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform, until
from tests.support.stories import unique

SAVE = "mutation ($input: SourceInput!) { saveSource(input: $input) { source { keys { id } } key errors { code } } }"
ROTATE = "mutation ($source: String!) { rotateKey(source: $source) { key graceUntil errors { code } } }"
REVOKE = "mutation ($id: ID!) { revokeKey(id: $id) { errors { code } } }"
HEALTH = "{ sources { key accepted rejected rejectedByCode { code count } lastEventAt newNames vanishedNames } }"
REJECTED = "query ($source: String!) { rejectedEvents(source: $source) { edges { node { id } } } }"
AGAIN = "mutation ($ids: [ID!]!) { resubmitRejectedEvents(ids: $ids) { accepted results { code } } }"
_KNOWN_SECONDS = 5.0


def statuses(platform: Platform, key: str, user: str) -> tuple[int, int]:
    """What a key hears at the front door, and at the gateway."""
    sent = platform.send("/v1/track", {"event": "Called", "userId": user}, key=key)
    headers = {"Authorization": f"Bearer {key}"}
    asked = platform.client.post(platform.graphql_url, json={"query": "{ __typename }"}, headers=headers)
    return sent.status_code, asked.status_code


def health(platform: Platform, source: str) -> dict[str, Any]:
    [found] = [one for one in platform.graphql(HEALTH)["sources"] if one.pop("key") == source]
    return dict(found)


def test_a_call_centre_is_connected_and_its_keys_are_changed(platform: Platform) -> None:
    source, user = unique("calls"), unique("user")
    # Given a source with its first key
    calls = {"key": source, "name": "Calls", "kind": "call_centre", "trust": "VERIFIED"}
    saved = platform.graphql(SAVE, input=calls)["saveSource"]
    assert saved["errors"] == []
    former, [shown] = saved["key"], saved["source"]["keys"]
    assert statuses(platform, former, user) == (200, 200)
    # When the key is rotated, then both are good
    rotated = platform.graphql(ROTATE, source=source)["rotateKey"]
    assert rotated["errors"] == []
    assert statuses(platform, rotated["key"], user) == (200, 200)
    assert statuses(platform, former, user) == (200, 200)
    # When the old one is revoked, then it is dead in every process within five seconds
    assert platform.graphql(REVOKE, id=shown["id"])["revokeKey"] == {"errors": []}
    until(lambda: statuses(platform, former, user) == (401, 401), _KNOWN_SECONDS, "the key revoked")
    assert statuses(platform, rotated["key"], user) == (200, 200)
    # And how the source does is told, what is still wrong with an event too
    refused = platform.send("/v1/track", {"event": "Called"}, key=rotated["key"])
    assert [one["code"] for one in refused.json()["results"]] == ["NO_IDENTIFIER"]
    platform.settle()
    [edge] = platform.graphql(REJECTED, source=source)["rejectedEvents"]["edges"]
    again = platform.graphql(AGAIN, ids=[edge["node"]["id"]])["resubmitRejectedEvents"]
    assert again["accepted"] == 0
    found = health(platform, source)
    assert found.pop("lastEventAt") is not None
    sent = found.pop("accepted")
    assert sent >= 4
    assert found == {
        "rejected": 1,
        "rejectedByCode": [{"code": "NO_IDENTIFIER", "count": 1}],
        "newNames": [],
        "vanishedNames": [],
    }


def test_a_source_that_is_paused_is_told_so_within_five_seconds(platform: Platform) -> None:
    calls = {"key": unique("calls"), "name": "Calls", "kind": "call_centre"}
    key = platform.graphql(SAVE, input=calls)["saveSource"]["key"]

    def hears() -> tuple[int, str | None]:
        answer = platform.send("/v1/track", {"event": "Called", "userId": calls["key"]}, key=key)
        return answer.status_code, answer.json().get("code")

    assert hears() == (200, None)
    platform.graphql(SAVE, input=calls | {"paused": True})
    until(lambda: hears() == (403, "SOURCE_PAUSED"), _KNOWN_SECONDS, "the pause")
    platform.graphql(SAVE, input=calls)
    until(lambda: hears() == (200, None), _KNOWN_SECONDS, "its end")
