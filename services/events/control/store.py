"""Workspaces, their settings, sources and keys in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.control.declaring import Key
from services.events.control.domain import (
    KeyKind,
    Principal,
    Source,
    Trust,
    Workspace,
    digest_of,
    key_id,
    prefix_of,
    principal_of,
)
from services.events.log_tables import source_keys, sources, workspaces
from services.events.timeline.domain import Microseconds

_NEVER = 1 << 63


class KnownKey(NamedTuple):
    principal: Principal
    expires_at: int | None
    """Microseconds since 1970; None for a key that does not expire."""


class NewKey(NamedTuple):
    source: Source
    kind: KeyKind
    scopes: frozenset[str]
    text: str
    created_at: int


_WORKSPACE = (workspaces.c.key, workspaces.c.name, workspaces.c.settings)


class ControlStore:
    """What workspaces, keys and sources there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_key(self, digest: bytes) -> KnownKey | None:
        """One look-up by primary key, whatever was presented."""
        query = (
            select(source_keys.c.kind.label("key_kind"), source_keys.c.scopes, source_keys.c.expires_at, sources)
            .join(sources, (sources.c.workspace == source_keys.c.workspace) & (sources.c.key == source_keys.c.source))
            .where(source_keys.c.digest == digest)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        principal = principal_of(_source(row), KeyKind(row.key_kind), frozenset(row.scopes.split()), row.expires_at)
        return KnownKey(principal, row.expires_at)

    async def workspace(self, key: str) -> Workspace | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(*_WORKSPACE).where(workspaces.c.key == key))).first()
        return None if row is None else Workspace(*row)

    async def save_settings(self, key: str, settings: str) -> Workspace | None:
        """Replaces them as a whole; the workspace as it is now, None if there is none."""
        change = workspaces.update().where(workspaces.c.key == key).values(settings=settings).returning(*_WORKSPACE)
        async with self._database.write() as connection:
            row = (await connection.execute(change)).first()
        return None if row is None else Workspace(*row)

    async def good_until(self, workspace: str, source: str, id: str) -> int:
        """When a key of a source ends, in microseconds; 0 if there is none of that id."""
        query = (
            select(source_keys.c.digest, source_keys.c.expires_at)
            .join(sources, (sources.c.workspace == source_keys.c.workspace) & (sources.c.key == source_keys.c.source))
            .where(source_keys.c.workspace == workspace, source_keys.c.source == source)
        )
        async with self._database.read() as connection:
            found = {key_id(row.digest): row.expires_at for row in await connection.execute(query)}
        until = found.get(id, 0)
        return _NEVER if until is None else until

    async def sources(self, workspace: str) -> list[Source]:
        query = select(sources).where(sources.c.workspace == workspace).order_by(sources.c.key)
        async with self._database.read() as connection:
            return [_source(row) for row in await connection.execute(query)]

    async def source(self, workspace: str, key: str) -> Source | None:
        async with self._database.read() as connection:
            return await read_source(connection, workspace, key)

    async def add_key(self, key: NewKey) -> None:
        async with self._database.write() as connection:
            await insert_keys(connection, [key])


async def found_workspace(database: Database, connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Makes the workspace unless it exists; whether it did. A second process waits here for the first one's commit."""
    statement = database.upsert(workspaces).values(values).on_conflict_do_nothing().returning(workspaces.c.key)
    return (await connection.execute(statement)).first() is not None


async def found_source(database: Database, connection: AsyncConnection, source: Source) -> bool:
    """Makes the source unless it exists; whether it did. A second process waits here for the first one's commit."""
    statement = database.upsert(sources).values(_columns_of(source)).on_conflict_do_nothing().returning(sources.c.key)
    return (await connection.execute(statement)).first() is not None


async def replace_source(connection: AsyncConnection, source: Source) -> None:
    """All that the source of this key is."""
    change = update(sources).where(sources.c.workspace == source.workspace, sources.c.key == source.key)
    await connection.execute(change.values(_columns_of(source)))


async def insert_sources(connection: AsyncConnection, some: Sequence[Source]) -> None:
    await connection.execute(sources.insert(), [_columns_of(source) for source in some])


async def read_source(connection: AsyncConnection, workspace: str, key: str, *, locked: bool = False) -> Source | None:
    """`locked`: whoever asks for it so waits until the transaction of the one before ends."""
    query = select(sources).where(sources.c.workspace == workspace, sources.c.key == key)
    row = (await connection.execute(query.with_for_update() if locked else query)).first()
    return None if row is None else _source(row)


async def insert_keys(connection: AsyncConnection, keys: Sequence[NewKey]) -> None:
    rows = [
        {
            "digest": digest_of(key.text),
            "workspace": key.source.workspace,
            "source": key.source.key,
            "prefix": prefix_of(key.text),
            "kind": key.kind.value,
            "scopes": " ".join(sorted(key.scopes)),
            "created_at": key.created_at,
        }
        for key in keys
    ]
    await connection.execute(source_keys.insert(), rows)


async def knows_key(connection: AsyncConnection, text: str) -> bool:
    query = select(source_keys.c.digest).where(source_keys.c.digest == digest_of(text))
    return (await connection.execute(query)).first() is not None


async def read_keys(connection: AsyncConnection, workspace: str, source: str | None = None) -> list[tuple[bytes, Key]]:
    """With their digests, in the order they were made; of all sources unless one is named."""
    query = select(source_keys).where(source_keys.c.workspace == workspace)
    if source is not None:
        query = query.where(source_keys.c.source == source)
    query = query.order_by(source_keys.c.created_at, source_keys.c.digest)
    return [(row.digest, _key(row)) for row in await connection.execute(query)]


async def end_key(connection: AsyncConnection, digest: bytes, at: Microseconds) -> None:
    """From that moment on nobody knows it."""
    await connection.execute(update(source_keys).where(source_keys.c.digest == digest).values(expires_at=at))


async def delete_key(connection: AsyncConnection, digest: bytes) -> None:
    await connection.execute(delete(source_keys).where(source_keys.c.digest == digest))


def _columns_of(source: Source) -> dict[str, Any]:
    return {
        "workspace": source.workspace,
        "key": source.key,
        "name": source.name,
        "kind": source.kind,
        "default_channel": source.default_channel,
        "origins": json.dumps(source.origins),
        "trust": source.trust.value,
        "paused": source.paused,
    }


def _source(row: Row[Any]) -> Source:
    return Source(
        workspace=row.workspace,
        key=row.key,
        name=row.name,
        kind=row.kind,
        trust=Trust(row.trust),
        default_channel=row.default_channel,
        origins=tuple(json.loads(row.origins)),
        paused=row.paused,
    )


def _key(row: Row[Any]) -> Key:
    return Key(
        id=key_id(row.digest),
        source=row.source,
        prefix=row.prefix,
        kind=KeyKind(row.kind),
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
