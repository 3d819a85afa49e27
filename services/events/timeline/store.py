"""Timelines and the memory of message ids in SQL, as the projector reads and writes them in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, insert_rows
from services.events.tables import identifiers, rejected_events, seen_messages, timeline


class Placed(NamedTuple):
    """A row of a timeline: which event (its place in the log) stands where in the history of which profile."""

    profile: bytes
    key: bytes
    seq: int
    slot: int


class RejectedRow(NamedTuple):
    seq: int
    slot: int
    source: str
    received_at: int
    code: str
    message: str
    path: str
    body: bytes


async def remember(
    connection: AsyncConnection, workspace: str, places: Mapping[bytes, tuple[int, int]]
) -> dict[bytes, tuple[int, int]]:
    """Remembers where in the log message ids stand. Those that were seen before stay, and are given as they stood.

    Nearly always all of them are new: so they are written at once, and looked up only if the database objects.
    """
    try:
        async with connection.begin_nested():
            await _remember(connection, workspace, places)
        return {}
    except (asyncpg.UniqueViolationError, IntegrityError):
        seen = await _first_seen(connection, workspace, places)
        await _remember(connection, workspace, {digest: places[digest] for digest in places.keys() - seen.keys()})
        return seen


async def _remember(connection: AsyncConnection, workspace: str, places: Mapping[bytes, tuple[int, int]]) -> None:
    rows = [(workspace, digest, *place) for digest, place in places.items()]
    await insert_rows(connection, seen_messages, ("workspace", "digest", "seq", "slot"), rows)


async def _first_seen(
    connection: AsyncConnection, workspace: str, digests: Collection[bytes]
) -> dict[bytes, tuple[int, int]]:
    seen: dict[bytes, tuple[int, int]] = {}
    columns = (seen_messages.c.digest, seen_messages.c.seq, seen_messages.c.slot)
    for some in chunked(list(digests)):
        query = select(*columns).where(
            seen_messages.c.workspace == workspace, among(connection, seen_messages.c.digest, some)
        )
        seen |= {row.digest: (row.seq, row.slot) for row in await connection.execute(query)}
    return seen


async def append(connection: AsyncConnection, workspace: str, placed: Sequence[Placed]) -> None:
    rows = [(workspace, *row) for row in placed]
    await insert_rows(connection, timeline, ("workspace", *Placed._fields), rows)


async def histories(
    connection: AsyncConnection, workspace: str, customers: Collection[bytes]
) -> list[tuple[bytes, int, int]]:
    """All events of customers as (customer, seq, slot), in no particular order."""
    found: list[tuple[bytes, int, int]] = []
    columns = (identifiers.c.customer, timeline.c.seq, timeline.c.slot)
    same_profile = and_(timeline.c.workspace == identifiers.c.workspace, timeline.c.profile == identifiers.c.profile)
    for some in chunked(list(customers)):
        query = select(*columns).join_from(identifiers, timeline, same_profile)
        query = query.where(identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, some))
        found += [tuple(row) for row in await connection.execute(query)]
    return found


async def keep_rejected(connection: AsyncConnection, workspace: str, rejected: Sequence[RejectedRow]) -> None:
    rows = [(workspace, *row) for row in rejected]
    await insert_rows(connection, rejected_events, ("workspace", *RejectedRow._fields), rows)
