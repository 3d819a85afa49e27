"""Words for customer stories: what was given, what somebody does, what can then be read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import segment.analytics

from tests.support.platform import Platform

Json = dict[str, Any]

CUSTOMER = """
query($identifier: IdentifierInput!, $position: Position) {
  customer(identifier: $identifier, position: $position) {
    id
    identifiers { type value trust }
    traits
    instances { edges { node {
      journeyKey run key status phase { key name } touchpoint { key } startedAt endedAt dueAt
      dropOff { reason phase { key } evidence { name } }
      steps { edges { node { touchpoint { key } phase { key } direction channel event { messageId name } } } }
    } } }
    timeline { edges { node { name channel messageId properties } } }
  }
}
"""


def unique(word: str) -> str:
    """A name that no other story uses."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def shop_journey(key: str, prefix: str = "", **more: Any) -> Json:
    """The map of the contract's worked examples. With a prefix its events are told apart from other stories'."""

    def touchpoint(touchpoint_key: str, name: str) -> Json:
        return {"key": touchpoint_key, "name": name, "recognisedBy": f'name == "{prefix}{name}"'}

    journey: Json = {
        "key": key,
        "name": "Shop",
        "phases": [
            {
                "key": "look",
                "name": "Look around",
                "mandatory": False,
                "touchpoints": [touchpoint("viewed", "Product Viewed")],
            },
            {
                "key": "buy",
                "name": "Buy",
                "touchpoints": [touchpoint("checkout", "Checkout Started"), touchpoint("ordered", "Order Completed")],
            },
            {"key": "use", "name": "Use", "mandatory": False, "touchpoints": [touchpoint("manual", "Manual Opened")]},
        ],
        "goal": f'name == "{prefix}Order Completed"',
        "patience": "P7D",
    }
    return journey | more


def segment_client(platform: Platform, errors: list[Exception], **options: Any) -> segment.analytics.Client:
    """The unmodified SDK, pointed at the platform with its write key."""
    return segment.analytics.Client(
        platform.credentials["writeKey"],
        host=platform.intake_url,
        on_error=lambda error, _batch: errors.append(error),
        **options,
    )


def customer_of(platform: Platform, type: str, value: str, position: str | None = None) -> Json | None:
    identifier = {"type": type, "value": value}
    found: Json | None = platform.graphql(CUSTOMER, identifier=identifier, position=position)["customer"]
    return found


def instances_of(customer: Json) -> list[Json]:
    return [edge["node"] for edge in customer["instances"]["edges"]]


def steps_of(instance: Json) -> list[tuple[str | None, str, str]]:
    """(touchpoint, phase, direction) of each step, oldest first."""
    return [
        (
            edge["node"]["touchpoint"] and edge["node"]["touchpoint"]["key"],
            edge["node"]["phase"]["key"],
            edge["node"]["direction"],
        )
        for edge in instance["steps"]["edges"]
    ]
