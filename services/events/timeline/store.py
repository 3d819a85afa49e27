"""Timelines and the memory of message ids in SQL, as the projector reads and writes them in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, delete_rows, fitting, given, insert_rows
from services.events.tables import identifiers, rejected_events, seen_messages, timeline

CONFLICTING_DUPLICATE = "CONFLICTING_DUPLICATE"
"""Why an event is rejected whose message id another one had before."""
UNPROCESSABLE = "UNPROCESSABLE"
"""Why an event is listed as rejected that the log holds, but the projector cannot take in."""


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
        seen = await first_seen(connection, workspace, places)
        await _remember(connection, workspace, {digest: places[digest] for digest in places.keys() - seen.keys()})
        return seen


async def _remember(connection: AsyncConnection, workspace: str, places: Mapping[bytes, tuple[int, int]]) -> None:
    rows = [(workspace, digest, *place) for digest, place in places.items()]
    await insert_rows(connection, seen_messages, ("workspace", "digest", "seq", "slot"), rows)


async def first_seen(
    connection: AsyncConnection, workspace: str, digests: Collection[bytes]
) -> dict[bytes, tuple[int, int]]:
    """Where in the log those message ids stand that were seen."""
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


async def events_within(
    connection: AsyncConnection, workspace: str, stretches: Sequence[tuple[bytes, bytes, bytes]]
) -> list[tuple[bytes, int, int]]:
    """The events of customers behind a history key, up to and with another, as (customer, seq, slot), in no order.

    A stretch is (customer, start, stop).
    """
    found: list[tuple[bytes, int, int]] = []
    columns = {"customer": identifiers.c.customer, "start": timeline.c.key, "stop": timeline.c.key}
    for some in fitting(stretches, 3):
        asked = given(connection, "asked", columns, some)
        own = and_(identifiers.c.workspace == workspace, identifiers.c.customer == asked.c.customer)
        profiles = select(*asked.c, identifiers.c.profile).select_from(asked.join(identifiers, own)).cte("profiles")
        # Else SQLite begins with the timelines of everybody, and PostgreSQL reads whole ones.
        profiles = profiles.prefix_with("MATERIALIZED")
        within = and_(
            timeline.c.workspace == workspace,
            timeline.c.profile == profiles.c.profile,
            timeline.c.key > profiles.c.start,
            timeline.c.key <= profiles.c.stop,
        )
        query = select(profiles.c.customer, timeline.c.seq, timeline.c.slot)
        found += [tuple(row) for row in await connection.execute(query.select_from(profiles.join(timeline, within)))]
    return found


async def set_aside(connection: AsyncConnection, workspace: str, seqs: Collection[int]) -> set[tuple[int, int]]:
    """Which slots of these rows of the log are listed because they could not be taken in, as (seq, slot)."""
    query = select(rejected_events.c.seq, rejected_events.c.slot).where(
        rejected_events.c.workspace == workspace,
        rejected_events.c.code == UNPROCESSABLE,
        among(connection, rejected_events.c.seq, seqs),
    )
    return {(row.seq, row.slot) for row in await connection.execute(query)}


async def drop_rejected(connection: AsyncConnection, workspace: str, places: Sequence[tuple[int, int]]) -> None:
    rows = [(workspace, *place) for place in places]
    await delete_rows(connection, rejected_events, ("workspace", "seq", "slot"), rows)


async def keep_rejected(connection: AsyncConnection, workspace: str, rejected: Sequence[RejectedRow]) -> None:
    rows = [(workspace, *row) for row in rejected]
    await insert_rows(connection, rejected_events, ("workspace", *RejectedRow._fields), rows)
