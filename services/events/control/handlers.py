"""Making a workspace with its first keys, making further keys, and telling whose key one is."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Flaw, Invalid, NotFound, Unauthenticated
from services.events.control.credentials import Credentials, read_credentials, write_credentials
from services.events.control.domain import (
    KeyKind,
    Principal,
    Source,
    Workspace,
    digest_of,
    first_sources,
    scopes_of,
    settings_text,
    spell_key,
)
from services.events.control.store import (
    ControlStore,
    KnownKey,
    NewKey,
    found_workspace,
    insert_keys,
    insert_sources,
    knows_key,
)
from services.events.intake.domain.values import Refusal
from services.events.timeline.domain import Microseconds

DEFAULT_WORKSPACE = "default"
_KEY_BYTES = 24
_SECRET_BYTES = 32
_LONGEST_CREDENTIAL = 256
_KEPT_MICROSECONDS = 5_000_000
_KEPT_ENTRIES = 10_000
_K = TypeVar("_K")
_V = TypeVar("_V")


class Bootstrapped(NamedTuple):
    """What a first start made, and what an operator should be told."""

    credentials: Credentials | None
    """The keys, if this call made them; to be shown once."""
    notice: str | None


async def bootstrap(database: Database, credentials_file: Path, clock: Clock) -> Bootstrapped:
    """Makes the default workspace with its first sources and keys, unless it exists.

    However many processes do this at once, one makes it. The file is written before the transaction commits and a file
    that exists is taken at its word, so neither a crash in between nor a lost database makes keys that nobody can read.
    Raises CredentialsUnreadable.
    """
    async with database.write() as connection:
        now = clock()
        row = {"key": DEFAULT_WORKSPACE, "name": "Default", "secret": secrets.token_bytes(_SECRET_BYTES)}
        if not await found_workspace(database, connection, row | {"created_at": now}):
            kept = read_credentials(credentials_file)
            if kept is None:
                return Bootstrapped(None, f"{credentials_file} is gone; make new keys with `klantreis keys`.")
            known = await knows_key(connection, kept.admin_key) and await knows_key(connection, kept.write_key)
            return Bootstrapped(None, None if known else f"{credentials_file} holds keys this database does not know.")
        credentials = read_credentials(credentials_file)
        if credentials is None:
            credentials = _new_credentials()
            write_credentials(credentials_file, credentials)
        website, api = first_sources(DEFAULT_WORKSPACE)
        await insert_sources(connection, [website, api])
        keys = [_key(website, KeyKind.WRITE, credentials.write_key, now)]
        keys.append(_key(api, KeyKind.SECRET, credentials.admin_key, now))
        await insert_keys(connection, keys)
    return Bootstrapped(credentials, None)


def random_key(kind: KeyKind) -> str:
    return spell_key(kind, secrets.token_bytes(_KEY_BYTES))


async def make_key(store: ControlStore, workspace: str, source: str, kind: KeyKind, clock: Clock) -> str:
    """A new key of a source, shown this once. Raises NotFound for an unknown source."""
    known = await store.source(workspace, source)
    if known is None:
        raise _no_source(source)
    text = random_key(kind)
    await store.add_key(_key(known, kind, text, clock()))
    return text


async def workspace_named(store: ControlStore, key: str) -> Workspace:
    """Raises NotFound for a workspace that is not there."""
    return _there(key, await store.workspace(key))


async def save_settings(store: ControlStore, key: str, settings: Mapping[str, Any]) -> Workspace:
    """Replaces the settings of a workspace. Raises Invalid for what cannot be kept, NotFound as above."""
    try:
        text = settings_text(settings)
    except Refusal as refusal:
        flaw = Flaw(refusal.code, refusal.message, refusal.path)
        raise Invalid(flaw.message, code=flaw.code, errors=[flaw]) from refusal
    return _there(key, await store.save_settings(key, text))


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
                raise _no_source(source)
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


def _new_credentials() -> Credentials:
    admin = random_key(KeyKind.SECRET)
    write = random_key(KeyKind.WRITE)
    return Credentials(admin, write, DEFAULT_WORKSPACE)


def _key(source: Source, kind: KeyKind, text: str, now: int) -> NewKey:
    return NewKey(source, kind, scopes_of(kind), text, now)


def _unknown_key() -> Unauthenticated:
    return Unauthenticated("Nobody knows this key; it may be mistyped, expired or revoked.")


def _there(key: str, workspace: Workspace | None) -> Workspace:
    if workspace is None:
        raise NotFound(f"There is no workspace {key!r}.", code="UNKNOWN_WORKSPACE")
    return workspace


def _no_source(source: str) -> NotFound:
    return NotFound(f"There is no source {source!r} in this workspace.", code="UNKNOWN_SOURCE")
