"""Making a workspace with its first keys, declaring sources, and making, replacing and revoking their keys."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Flaw, Invalid, NotFound
from services.events.control.credentials import Credentials, read_credentials, write_credentials
from services.events.control.declaring import GRACE, Key, check_source, first_key_of, to_be_replaced, unknown_source
from services.events.control.domain import (
    KeyKind,
    Source,
    Workspace,
    first_sources,
    scopes_of,
    settings_text,
    spell_key,
)
from services.events.control.store import (
    ControlStore,
    NewKey,
    delete_key,
    end_key,
    found_source,
    found_workspace,
    insert_keys,
    insert_sources,
    knows_key,
    read_keys,
    read_source,
    replace_source,
)
from services.events.intake.domain.values import Refusal
from services.events.timeline.domain import Microseconds

DEFAULT_WORKSPACE = "default"
_KEY_BYTES = 24
_SECRET_BYTES = 32


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
        raise unknown_source(source)
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


class Saved(NamedTuple):
    source: Source
    key: str | None
    """The first key, if the source is new; nobody can read it again."""


class Rotated(NamedTuple):
    key: str
    """Nobody can read it again."""
    grace_until: Microseconds | None
    """When the key before it ends; None if there was none."""


class Sources:
    """The sources of workspaces as their owners manage them. KeyRings hear of a change within five seconds."""

    def __init__(self, log: Database, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def save(self, source: Source) -> Saved:
        """Makes a source with its first key, or replaces all that one of this key is. Raises Invalid."""
        check_source(source)
        async with self._log.write() as connection:
            if await found_source(self._log, connection, source):
                kind, scopes = first_key_of(source)
                return Saved(source, await self._new_key(connection, source, kind, scopes))
            await replace_source(connection, source)
        return Saved(source, None)

    async def rotate(self, workspace: str, source: str, asker: Collection[str]) -> Rotated:
        """A new key like the active one, which lives on for `declaring.GRACE`; `asker`: the scopes of who asks.

        Raises NotFound for an unknown source, Conflict and Forbidden as `declaring.to_be_replaced` does.
        """
        now = self._clock()
        async with self._log.write() as connection:
            known = await read_source(connection, workspace, source, locked=True)
            if known is None:
                raise unknown_source(source)
            keys = await read_keys(connection, workspace, source)
            former = to_be_replaced([key for _, key in keys], asker, now)
            if former is None:
                return Rotated(await self._new_key(connection, known, *first_key_of(known)), None)
            until = min(former.expires_at or now + GRACE, now + GRACE)
            [digest] = [digest for digest, key in keys if key is former]
            await end_key(connection, digest, until)
            return Rotated(await self._new_key(connection, known, former.kind, former.scopes), until)

    async def revoke(self, workspace: str, id: str) -> Source:
        """Makes a key one that nobody knows; its source. Customer tokens that it minted end too. Raises NotFound."""
        async with self._log.write() as connection:
            for digest, key in await read_keys(connection, workspace):
                source = await read_source(connection, workspace, key.source) if key.id == id else None
                if source is not None:
                    await delete_key(connection, digest)
                    return source
        raise NotFound("There is no key of this id in this workspace.", code="UNKNOWN_KEY")

    async def active_keys(self, workspace: str) -> list[Key]:
        """In the order they were made."""
        now = self._clock()
        async with self._log.read() as connection:
            return [key for _, key in await read_keys(connection, workspace) if key.is_active(now)]

    async def _new_key(self, connection: AsyncConnection, source: Source, kind: KeyKind, scopes: frozenset[str]) -> str:
        text = random_key(kind)
        await insert_keys(connection, [NewKey(source, kind, scopes, text, self._clock())])
        return text


def _new_credentials() -> Credentials:
    admin = random_key(KeyKind.SECRET)
    write = random_key(KeyKind.WRITE)
    return Credentials(admin, write, DEFAULT_WORKSPACE)


def _key(source: Source, kind: KeyKind, text: str, now: int) -> NewKey:
    return NewKey(source, kind, scopes_of(kind), text, now)


def _there(key: str, workspace: Workspace | None) -> Workspace:
    if workspace is None:
        raise NotFound(f"There is no workspace {key!r}.", code="UNKNOWN_WORKSPACE")
    return workspace
