"""One visit to a shop, told to every library in the same calls, and what the platform must know of it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.platform import Platform
from tests.support.stories import unique

Json = dict[str, Any]
LARGE = "x" * 400_000
CONSENT = {"categoryPreferences": {"Analytics": True, "Advertising": False}}
VALUES: Json = {
    "naam": "Één fauteuil voor Zoë, café crème – ’s-Hertogenbosch",
    "mood": "😀🇳🇱👩‍👩‍👧",
    "script": "日本語 العربية",
    "price": 18.99,
    "tiny": 1e-07,
    "nothing": None,
    "nested": [{"a": [1, {"b": True}]}, [], {}],
}
"""Besides a big integer, of which each language has its own greatest."""

EVENTS = """
query($identifier: IdentifierInput!) {
  customer(identifier: $identifier) {
    identifiers { type value }
    traits
    timeline(first: 100) { edges { node { messageId kind name properties context occurredAt } } }
  }
}
"""
REJECTED = "{ rejectedEvents(first: 100) { edges { node { code body } } } }"


class Visit:
    """A visitor looks around, forgets something that is sent late, logs in and buys. One call is far too large."""

    def __init__(self, big: int, *, large: bool = True) -> None:
        self.visitor, self.user = unique("visitor"), unique("user")
        self.properties = VALUES | {"big": big}
        self._begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        looked = self._track("looked", 10, properties=self.properties, context={"consent": CONSENT})
        self.calls: list[list[Json]] = [
            [looked, looked, self._track("found", 20)],
            [self._track("forgot", 5), self._track("large", 25, properties={"text": LARGE if large else ""})],
            [
                self._call("identify", 30, userId=self.user, traits={"name": "Zoë"}, messageId=self.id("known")),
                self._track("bought", 40, userId=self.user),
            ],
        ]
        """Batch by batch, as they are to be sent."""
        self.large = large

    def id(self, name: str) -> str:
        return f"{self.user}-{name}"

    def _track(self, name: str, minute: int, **more: Any) -> Json:
        return self._call("track", minute, event=name, messageId=self.id(name), **more)

    def _call(self, call: str, minute: int, **members: Any) -> Json:
        return {"call": call, "anonymousId": self.visitor, "timestamp": self._at(minute)} | members

    def _at(self, minute: int) -> str:
        return (self._begin + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")

    def check(self, platform: Platform) -> None:
        """Everything once, in the order in which it happened, unchanged; the large one beside it, refused."""
        platform.settle()
        customer = platform.graphql(EVENTS, identifier={"type": "user_id", "value": self.user})["customer"]
        found = sorted((one["type"], one["value"]) for one in customer["identifiers"])
        assert found == [("anonymous_id", self.visitor), ("user_id", self.user)]
        assert customer["traits"] == {"name": "Zoë"}
        events = [edge["node"] for edge in reversed(customer["timeline"]["edges"])]
        minutes = {"forgot": 5, "looked": 10, "found": 20} | ({} if self.large else {"large": 25})
        minutes |= {"known": 30, "bought": 40}
        assert [event["messageId"] for event in events] == [self.id(name) for name in minutes]
        assert [event["occurredAt"] for event in events] == [self._at(minute) for minute in minutes.values()]
        assert events[1]["properties"] == self.properties
        assert events[1]["context"]["consent"] == CONSENT
        nodes = [edge["node"] for edge in platform.graphql(REJECTED)["rejectedEvents"]["edges"]]
        refused = [node["code"] for node in nodes if self.user in node["body"]]
        assert refused == (["TOO_LARGE"] if self.large else [])
