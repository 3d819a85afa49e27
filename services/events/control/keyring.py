"""Telling whose key one is."""

from __future__ import annotations

from typing import Generic, TypeVar

from infra.chassis.clock import Clock
from infra.chassis.errors import Unauthenticated
from services.events.control.declaring import unknown_source
from services.events.control.domain import KeyKind, Principal, Source, digest_of, scopes_of
from services.events.control.store import ControlStore, KnownKey
from services.events.timeline.domain import Microseconds

_LONGEST_CREDENTIAL = 256
_KEPT_MICROSECONDS = 5_000_000
_KEPT_ENTRIES = 10_000
_K = TypeVar("_K")
_V = TypeVar("_V")


class KeyRing:
    """Tells whose key one is. Answers are kept for five seconds, so that a key is revoked within that time, and a
    source paused; for no time (`kept` 0) where who asks keeps them as long.

    What a request costs does not depend on what it presents: one hash and at most one look-up. Unknown keys have a
    cache of their own, so that guessing never drives out the known ones.
    """

    def __init__(self, store: ControlStore, clock: Clock, kept: Microseconds = _KEPT_MICROSECONDS) -> None:
        self._store = store
        self._clock = clock
        self._known: _Kept[bytes, KnownKey] = _Kept(kept)
        self._unknown: _Kept[bytes, None] = _Kept(kept)
        self._sources: _Kept[tuple[str, str], Source] = _Kept(kept)
        self._good_until: _Kept[tuple[str, str, str], int] = _Kept(kept)

    async def resolve(self, credential: str) -> Principal:
        """Raises Unauthenticated for a key nobody made, or that has expired."""
        if len(credential) > _LONGEST_CREDENTIAL:
            raise _unknown_key()
        now = self._clock()
        digest = digest_of(credential)
        if digest in self._unknown.at(now):
            raise _unknown_key()
        key = self._known.at(now).get(digest)
        if key is None:
            key = await self._store.find_key(digest)
            if key is None:
                self._unknown.keep(digest, None, now)
                raise _unknown_key()
            self._known.keep(digest, key, now)
        if key.expires_at is not None and key.expires_at <= now:
            raise _unknown_key()
        return key.principal

    async def is_good(self, workspace: str, source: str, id: str) -> bool:
        """Whether a source still has the key of that id (see domain.key_id)."""
        now, asked = self._clock(), (workspace, source, id)
        until = self._good_until.at(now).get(asked)
        if until is None:
            until = await self._store.good_until(workspace, source, id)
            self._good_until.keep(asked, until, now)
        return now < until

    async def on_behalf_of(self, workspace: str, source: str, *, verified: bool) -> Principal:
        """The principal of a call that another service of ours has let in. Raises NotFound for an unknown source."""
        now = self._clock()
        known = self._sources.at(now).get((workspace, source))
        if known is None:
            known = await self._store.source(workspace, source)
            if known is None:
                raise unknown_source(source)
            self._sources.keep((workspace, source), known, now)
        kind = KeyKind.SECRET if verified else KeyKind.WRITE
        return Principal(workspace, source, known.default_channel, verified, kind, scopes_of(kind), paused=known.paused)


class _Kept(Generic[_K, _V]):
    """A small cache that forgets everything together: when its time is over, or when it is full."""

    def __init__(self, microseconds: Microseconds) -> None:
        self._microseconds = microseconds
        self._entries: dict[_K, _V] = {}
        self._since = 0

    def at(self, now: int) -> dict[_K, _V]:
        """What is remembered at this moment. A clock that was set back forgets too."""
        if not 0 <= now - self._since < self._microseconds:
            self._entries.clear()
            self._since = now
        return self._entries

    def keep(self, key: _K, value: _V, now: int) -> None:
        if len(self._entries) >= _KEPT_ENTRIES:
            self._entries.clear()
        self.at(now)[key] = value


def _unknown_key() -> Unauthenticated:
    return Unauthenticated("Nobody knows this key; it may be mistyped, expired or revoked.")
