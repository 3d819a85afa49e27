"""The one on whose behalf subscriptions run, for as long as the key is good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.clients.events import Principal
from gateway.keys import Keys
from gateway.metrics import SUBSCRIPTIONS
from gateway.streams.subscriber import Endable
from infra.chassis.errors import BadRequest, Problem, Unauthenticated, Unavailable

_SHORTEST_PAUSE_SECONDS = 0.01  # the clock that wakes us and the one that tells the time are not the same


class KeyNoLongerGood(BadRequest):
    default_code = "UNAUTHENTICATED"


_EXPIRED = KeyNoLongerGood("The key or customer token has expired or was revoked.")


class Session:
    """Looks now and then whether the key is still good; when it is not, all its subscriptions end."""

    def __init__(self, keys: Keys, authorization: str | None, principal: Principal, look_seconds: float) -> None:
        self.principal = principal
        self.refused: Problem | None = None
        """Why the key is not good any more."""
        self._keys = keys
        self._authorization = authorization
        self._look_seconds = look_seconds
        self._subscribers: set[Endable] = set()

    @contextmanager
    def attached(self, subscriber: Endable) -> Iterator[None]:
        if self.refused is not None:
            subscriber.end(self.refused)
        self._subscribers.add(subscriber)
        try:
            with SUBSCRIPTIONS.track_inprogress():
                yield
        finally:
            self._subscribers.discard(subscriber)

    async def watch(self) -> None:
        """Returns when the key is not good any more."""
        while self.refused is None:
            await asyncio.sleep(self._pause())
            if self._has_expired():  # which nobody need be asked about
                self.refused = _EXPIRED
                break
            try:
                principal = await self._keys.principal(self._authorization)
                if principal != self.principal:
                    self.refused = KeyNoLongerGood("This key may do other things than before; subscribe again.")
            except Unavailable:  # nothing is known to be wrong with the key
                continue
            except Unauthenticated:
                self.refused = _EXPIRED
            except Problem as problem:
                self.refused = KeyNoLongerGood(problem.message, code=problem.code)
        for subscriber in self._subscribers:
            subscriber.end(self.refused)

    def _has_expired(self) -> bool:
        left = self._keys.seconds_left(self.principal)
        return left is not None and left <= 0

    def _pause(self) -> float:
        """Until the key expires, if that is soon."""
        left = self._keys.seconds_left(self.principal)
        return self._look_seconds if left is None else min(max(left, _SHORTEST_PAUSE_SECONDS), self._look_seconds)
