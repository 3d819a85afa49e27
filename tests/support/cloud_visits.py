"""A visit to a shop, told as CloudEvents, and what the platform must know of it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.platform import Platform
from tests.support.stories import unique
from tests.support.visits import EVENTS, LARGE, REJECTED, VALUES

Json = dict[str, Any]
SOURCE = "https://shop.example/nl"


class CloudVisit:
    """A visitor looks around, forgets something that is sent late, logs in and buys. One event is far too large."""

    def __init__(self, big: int, *, remark: str) -> None:
        """`remark`: in an attribute. Not every library can send all of Unicode there."""
        self.visitor, self.user = unique("visitor"), unique("user")
        self._begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self._remark = remark
        self._properties = VALUES | {"big": big}
        looked = self._event("looked", 10, data=self._properties)
        self.requests: list[list[Json]] = [
            [looked, looked, self._event("found", 20)],
            [self._event("forgot", 5), self._event("large", 25, data={"text": LARGE})],
            [
                self._event("known", 30, userid=self.user, kind="identify", data={"name": "Zoë"}),
                self._event("bought", 40, userid=self.user),
            ],
        ]
        """Attributes and `data`; together what may be sent in one request, in this order."""

    def _event(self, name: str, minute: int, **more: Any) -> Json:
        event = {"specversion": "1.0", "id": self._id(name), "source": SOURCE, "type": f"nl.example.{name}"}
        about = {"anonymousid": self.visitor, "remark": self._remark, "datacontenttype": "application/json"}
        return event | about | {"time": self._at(minute), "data": {}} | more

    def _id(self, name: str) -> str:
        return f"{self.user}-{name}"

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
        minutes = {"forgot": 5, "looked": 10, "found": 20, "known": 30, "bought": 40}
        assert [event["messageId"] for event in events] == [f"{SOURCE} {self._id(name)}" for name in minutes]
        assert [event["name"] for event in events] == [f"nl.example.{name}" for name in minutes]
        assert [event["occurredAt"] for event in events] == [self._at(minute) for minute in minutes.values()]
        assert events[1]["properties"] == self._properties
        assert {event["context"]["cloudevent"]["remark"] for event in events} == {self._remark}
        nodes = [edge["node"] for edge in platform.graphql(REJECTED)["rejectedEvents"]["edges"]]
        assert [node["code"] for node in nodes if self.user in node["body"]] == ["TOO_LARGE"]
