"""Real behaviour through the real front door: the municipality log, sent by the unmodified Segment SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.oracle import journey as oracle
from tests.oracle.journey import instant
from tests.support.platform import Platform
from tests.support.receipt import (
    needs_the_log,
    published_receipt_journey,
    receipt_histories,
    receipt_journey,
    receipt_tracks,
)
from tests.support.stories import segment_client

Json = dict[str, Any]

pytestmark = [pytest.mark.real_data, needs_the_log]

INSTANCES = """
query($after: String) {
  instances(first: 100, after: $after, where: {journey: "permit-receipt"}) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { node {
      customer { identifiers { value } }
      run version key status phase { key } touchpoint { key } startedAt lastEventAt endedAt dueAt
      dropOff { reason phase { key } at evidence { messageId } }
      steps(first: 100) { pageInfo { hasNextPage } edges { node {
        touchpoint { key } phase { key } direction event { messageId }
      } } }
    } }
  }
}
"""


def test_every_request_of_the_municipality_reads_as_the_oracle_says(platform: Platform) -> None:
    platform.publish(receipt_journey())
    errors: list[Exception] = []
    client = segment_client(platform, errors, max_queue_size=20_000)
    for track in receipt_tracks():
        accepted, _message = client.track(
            track.user_id,
            track.event,
            properties=track.properties,
            context=dict(track.context),
            timestamp=track.timestamp,
            message_id=track.message_id,
        )
        assert accepted
    client.shutdown()
    assert errors == []
    platform.settle(120)
    assert_reads_as_the_oracle_says(platform)


def assert_reads_as_the_oracle_says(platform: Platform) -> None:
    """Every request of the log, sent or imported, is the instances that the oracle makes of it."""
    read: dict[str, list[Json]] = {}
    for instance in all_instances(platform):
        [identifier] = instance["customer"]["identifiers"]
        read.setdefault(identifier["value"], []).append(shown(instance))

    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    versions = [published_receipt_journey()]
    expected = {customer: oracle.fold(versions, history, now) for customer, history in receipt_histories().items()}
    assert len(read) == 1434
    assert {customer: sorted(runs, key=lambda one: one["run"]) for customer, runs in read.items()} == expected


def all_instances(platform: Platform) -> list[Json]:
    found: list[Json] = []
    after = None
    while True:
        page = platform.graphql(INSTANCES, after=after)["instances"]
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        after = page["pageInfo"]["endCursor"]


def shown(instance: Json) -> Json:
    """An answer of GraphQL in the oracle's form."""
    assert not instance["steps"]["pageInfo"]["hasNextPage"]
    drop = instance["dropOff"]
    moments = {
        name: instance[name] and instant(instance[name]) for name in ("startedAt", "lastEventAt", "endedAt", "dueAt")
    }
    return moments | {
        "run": instance["run"],
        "version": instance["version"],
        "key": instance["key"],
        "status": instance["status"],
        "phase": instance["phase"]["key"],
        "touchpoint": instance["touchpoint"] and instance["touchpoint"]["key"],
        "steps": [
            [
                edge["node"]["event"]["messageId"],
                edge["node"]["touchpoint"] and edge["node"]["touchpoint"]["key"],
                edge["node"]["phase"]["key"],
                edge["node"]["direction"],
            ]
            for edge in instance["steps"]["edges"]
        ],
        "dropOff": drop
        and {
            "reason": drop["reason"],
            "phase": drop["phase"]["key"],
            "at": instant(drop["at"]),
            "evidence": [event["messageId"] for event in drop["evidence"]],
        },
    }
