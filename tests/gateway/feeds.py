"""The feeds of an events service that is not there: each grows as a test lets it, behind the routes that read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from gateway.streams.feed import FeedName
from infra.chassis.errors import BadRequest, Unavailable

Json = dict[str, Any]


def position(number: int) -> str:
    return f"p{number:05}"


class StubFeeds:
    """One workspace's. Positions before `forgotten` are too old."""

    def __init__(self) -> None:
        self.items: dict[FeedName, list[Json]] = {"changes": [], "events": []}
        self.customers: dict[str, list[str]] = {}
        self.followers: list[tuple[FeedName, str]] = []
        """Who follows now: feed and workspace."""
        self.forgotten = 0
        self.away = False
        self._grown = asyncio.Event()

    def add(self, feed: FeedName, *items: Json) -> None:
        """The items get the next positions."""
        for item in items:
            self.items[feed].append(item | {"position": position(len(self.items[feed]) + 1)})
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def read(self, feed: FeedName, body: Json) -> Json:
        """What `POST /internal/feeds/{feed}/read` answers."""
        return self._page(feed, body["after"], body["first"])

    async def follow(self, feed: FeedName, workspace: str, after: str | None) -> AsyncGenerator[bytes, None]:
        if self.away:
            raise Unavailable("The events service does not answer.", code="UPSTREAM_UNAVAILABLE")
        self.followers.append((feed, workspace))
        try:
            page = self._page(feed, after or position(len(self.items[feed])), 100)
            yield msgspec.json.encode(page)
            while True:
                grown = self._grown
                page = self._page(feed, page["next"], 100)
                if page["items"]:
                    yield msgspec.json.encode(page)
                else:
                    await grown.wait()
        finally:
            self.followers.remove((feed, workspace))

    def _page(self, feed: FeedName, after: str, first: int) -> Json:
        if not (after[:1] == "p" and after[1:].isdecimal()):
            raise BadRequest("This is not a position.", code="BAD_POSITION")
        number = int(after[1:])
        if number < self.forgotten:
            raise BadRequest("Not kept any more.", code="POSITION_TOO_OLD")
        items = self.items[feed][number : number + first]
        named = {item["customerId"] for item in items}
        customers = {customer: self.customers.get(customer, [customer]) for customer in named}
        return {"items": items, "customers": customers, "next": items[-1]["position"] if items else after}


def change(instance: str = "i1", **more: Any) -> Json:
    return {
        "instanceId": instance,
        "customerId": "k1",
        "journeyKey": "purchase",
        "key": None,
        "previousStatus": None,
        "previousPhase": None,
        "status": "ACTIVE",
        "phase": "orientation",
        "at": "2026-03-01T10:00:00Z",
        "correction": False,
    } | more


def told(event: str = "1-0", **more: Any) -> Json:
    return {"id": event, "customerId": "k1", "journeys": []} | more
