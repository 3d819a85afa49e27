"""Declaring sources, and making, replacing and revoking their keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import NotFound
from services.events.control.declaring import GRACE, Key, check_source, first_key_of, to_be_replaced
from services.events.control.domain import KeyKind, Source, key_id
from services.events.control.handlers import random_key
from services.events.control.store import NewKey, columns_of, insert_keys, read_source
from services.events.log_tables import source_keys, sources
from services.events.timeline.domain import Microseconds


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
            if await _found(self._log, connection, source):
                kind, scopes = first_key_of(source)
                return Saved(source, await self._new_key(connection, source, kind, scopes))
            change = update(sources).where(sources.c.workspace == source.workspace, sources.c.key == source.key)
            await connection.execute(change.values(columns_of(source)))
        return Saved(source, None)

    async def rotate(self, workspace: str, source: str, asker: Collection[str]) -> Rotated:
        """A new key like the active one, which lives on for `declaring.GRACE`; `asker`: the scopes of who asks.

        Raises NotFound for an unknown source, Conflict and Forbidden as `declaring.to_be_replaced` does.
        """
        now = self._clock()
        async with self._log.write() as connection:
            known = await read_source(connection, workspace, source, locked=True)
            if known is None:
                raise NotFound(f"There is no source {source!r} in this workspace.", code="UNKNOWN_SOURCE")
            keys = await _keys(connection, workspace, source)
            former = to_be_replaced([key for _, key in keys], asker, now)
            if former is None:
                return Rotated(await self._new_key(connection, known, *first_key_of(known)), None)
            until = min(former.expires_at or now + GRACE, now + GRACE)
            [digest] = [digest for digest, key in keys if key is former]
            await connection.execute(update(source_keys).where(source_keys.c.digest == digest).values(expires_at=until))
            return Rotated(await self._new_key(connection, known, former.kind, former.scopes), until)

    async def revoke(self, workspace: str, id: str) -> Source:
        """Makes a key one that nobody knows; its source. Customer tokens that it minted end too. Raises NotFound."""
        async with self._log.write() as connection:
            for digest, key in await _keys(connection, workspace):
                source = await read_source(connection, workspace, key.source) if key.id == id else None
                if source is not None:
                    await connection.execute(delete(source_keys).where(source_keys.c.digest == digest))
                    return source
        raise NotFound("There is no key of this id in this workspace.", code="UNKNOWN_KEY")

    async def active_keys(self, workspace: str) -> list[Key]:
        """In the order they were made."""
        now = self._clock()
        async with self._log.read() as connection:
            return [key for _, key in await _keys(connection, workspace) if key.is_active(now)]

    async def _new_key(self, connection: AsyncConnection, source: Source, kind: KeyKind, scopes: frozenset[str]) -> str:
        text = random_key(kind)
        await insert_keys(connection, [NewKey(source, kind, scopes, text, self._clock())])
        return text


async def _found(log: Database, connection: AsyncConnection, source: Source) -> bool:
    """Makes the source unless it exists; whether it did. A second process waits here for the first one's commit."""
    statement = log.upsert(sources).values(columns_of(source)).on_conflict_do_nothing().returning(sources.c.key)
    return (await connection.execute(statement)).first() is not None


async def _keys(connection: AsyncConnection, workspace: str, source: str | None = None) -> list[tuple[bytes, Key]]:
    query = select(source_keys).where(source_keys.c.workspace == workspace)
    if source is not None:
        query = query.where(source_keys.c.source == source)
    query = query.order_by(source_keys.c.created_at, source_keys.c.digest)
    return [(row.digest, _key(row)) for row in await connection.execute(query)]


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
