"""Who a key or customer token speaks for."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from gateway.clients.events import EventsClient, Principal
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock
from infra.chassis.errors import Forbidden, Problem, Unauthenticated
from infra.chassis.upstream import Upstream

_TRUSTED_FOR = 5_000_000  # microseconds: a revoked key is refused within 5 s
_KEPT = 1_024
_ANY_WORKSPACE = "*"
_ADMITTED = frozenset({"SECRET", "CUSTOMER"})


class Keys:
    """Asks events who a key is and remembers it for 5 s, by the digest of the key alone."""

    def __init__(self, events: Upstream, tokens: ServiceTokens, clock: Clock) -> None:
        self._events = events
        self._tokens = tokens
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[int, Principal]] = OrderedDict()

    async def principal(self, authorization: str | None) -> Principal:
        """The one that `Authorization: Bearer <key or token>` names.

        Raises Unauthenticated for a key that is absent or unknown and a token that has expired, Forbidden for a write
        key, Unavailable while events cannot be asked.
        """
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Unauthenticated("Give a secret key or a customer token: Authorization: Bearer <key>.")
        principal = await self._principal_of(key)
        if principal.kind not in _ADMITTED:
            raise Forbidden("A write key may only record events, over HTTP; use a secret key here.")
        return principal

    def seconds_left(self, principal: Principal) -> float | None:
        """Until the key expires; None if it does not."""
        return None if principal.expires_at is None else (principal.expires_at - self._clock()) / 1_000_000

    async def _principal_of(self, key: str) -> Principal:
        digest = sha256(key.encode()).digest()
        now = self._clock()
        until, principal = self._known.get(digest, (0, None))
        if principal is not None and now < min(until, principal.expires_at or until):
            return principal
        client = EventsClient(self._events, self._tokens.mint(EventsClient.audience, _ANY_WORKSPACE))
        try:
            principal = await client.authenticate(key)
        except Problem as problem:
            if problem.status != Unauthenticated.status:
                raise
            raise Unauthenticated("Nobody knows this key.") from problem
        self._known[digest] = (now + _TRUSTED_FOR, principal)
        self._known.move_to_end(digest)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return principal
