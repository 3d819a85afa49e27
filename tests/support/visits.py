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
    timeline(first: 100) { edges { node { messageId name channel device properties context occurredAt } } }
  }
}
"""
REJECTED = "{ rejectedEvents(first: 100) { edges { node { code body } } } }"


MINUTES = {"home": 0, "forgot": 5, "looked": 10, "found": 20, "large": 25, "known": 30, "bought": 40}
"""When it happened, in the order of history."""
NAMES = {"home": "Home", "known": "Identify"}
"""As events are called whose call does not name them so."""


class Visit:
    """A visitor looks around, forgets something that is sent late, logs in and buys. One call is far too large."""

    def __init__(self, big: int, *, large: bool = True, own_ids: bool = False) -> None:
        """`own_ids`: the library makes message ids itself, so no call can be made a second time."""
        self.visitor, self.user = unique("visitor"), unique("user")
        self.properties = VALUES | {"big": big}
        self._large, self._own_ids = large, own_ids
        self._begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        looked = self._track("looked", properties=self.properties, context={"consent": CONSENT})
        self.calls: list[list[Json]] = [
            [self._call("page", "home", name="Home"), looked, *([] if own_ids else [looked]), self._track("found")],
            [self._track("forgot"), self._track("large", properties={"text": LARGE if large else ""})],
            [
                self._call("identify", "known", userId=self.user, traits={"name": "Zoë"}),
                self._track("bought", userId=self.user),
            ],
        ]
        """Batch by batch, as they are to be sent."""

    def _track(self, name: str, **more: Any) -> Json:
        return self._call("track", name, event=name, **more)

    def _call(self, call: str, name: str, /, **members: Any) -> Json:
        always = {"call": call, "anonymousId": self.visitor, "timestamp": self._at(name), "messageId": self._id(name)}
        return always | members

    def _id(self, name: str) -> str:
        return f"{self.user}-{name}"

    def _at(self, name: str) -> str:
        return (self._begin + timedelta(minutes=MINUTES[name])).isoformat().replace("+00:00", "Z")

    @property
    def _stored(self) -> list[str]:
        return [name for name in MINUTES if not (self._large and name == "large")]

    def arrived(self, platform: Platform) -> bool:
        """Whether there is as much of it as there should be."""
        customer = platform.graphql(EVENTS, identifier=self._identifier)["customer"]
        found = len(customer["timeline"]["edges"]) if customer else 0
        return found >= len(self._stored) and len(self._refused(platform)) >= self._large

    def check(self, platform: Platform) -> list[Json]:
        """Everything once, in the order in which it happened, unchanged; the large one refused, as often as it came.

        The events that are stored.
        """
        platform.settle()
        customer = platform.graphql(EVENTS, identifier=self._identifier)["customer"]
        found = sorted((one["type"], one["value"]) for one in customer["identifiers"])
        assert found == [("anonymous_id", self.visitor), ("user_id", self.user)]
        assert customer["traits"] == {"name": "Zoë"}
        events = [edge["node"] for edge in reversed(customer["timeline"]["edges"])]
        happened = [(NAMES.get(name, name), self._at(name)) for name in self._stored]
        assert [(event["name"], event["occurredAt"]) for event in events] == happened
        if not self._own_ids:
            assert [event["messageId"] for event in events] == [self._id(name) for name in self._stored]
        [looked] = [event for event in events if event["name"] == "looked"]
        assert looked["properties"] == self.properties
        assert looked["context"]["consent"] == CONSENT
        assert set(self._refused(platform)) == ({"TOO_LARGE"} if self._large else set())
        return events

    @property
    def _identifier(self) -> Json:
        return {"type": "user_id", "value": self.user}

    def _refused(self, platform: Platform) -> list[str]:
        nodes = [edge["node"] for edge in platform.graphql(REJECTED)["rejectedEvents"]["edges"]]
        return [node["code"] for node in nodes if self.visitor in node["body"]]
