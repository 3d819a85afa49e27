"""The port through which the gateway hears of what happens, and its adapter for an events service elsewhere.

(Streams never go through the in-process HTTP transport: it collects whole bodies.)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from gateway.clients.events import EventsClient
from infra.chassis.auth import ServiceTokens
from infra.chassis.upstream import EndlessUpstream

FeedName = Literal["changes", "events"]
_SILENCE_SECONDS = 25.0  # a living feed sends a page every ten


class LiveFeeds(Protocol):
    def follow(self, feed: FeedName, workspace: str, after: str | None) -> AsyncGenerator[bytes, None]:
        """Pages (see clients.feeds) as JSON: behind a position, or (None) from now on; the first one comes at once.

        Raises Unavailable, and Problems with the codes BAD_POSITION and POSITION_TOO_OLD.
        """


class RemoteFeeds:
    """Feeds over HTTP. `events` should allow for a connection for each feed of each workspace."""

    def __init__(self, events: EndlessUpstream, tokens: ServiceTokens) -> None:
        self._events = events
        self._tokens = tokens

    def follow(self, feed: FeedName, workspace: str, after: str | None) -> AsyncGenerator[bytes, None]:
        return self._events.lines(
            f"/internal/feeds/{feed}",
            token=self._tokens.mint(EventsClient.audience, workspace),
            query=None if after is None else {"after": after},
            silence=_SILENCE_SECONDS,
        )
