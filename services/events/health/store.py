"""Counting what sources send, in the transaction that takes the log in: each event once, in the order of the log.

So the counts depend on the log alone, and a replay makes the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, delete_rows, insert_rows
from services.events.health.domain import (
    ACCEPTED,
    MOST_NAMES,
    Amount,
    Counted,
    Name,
    Seen,
    Tally,
    amounts,
    follow,
    more,
)
from services.events.tables import source_counts, source_names

_COUNTS = ("workspace", "source", "day", "code", "events", "last_at")
_NAMES = ("workspace", "source", "name", "first_day", "last_day", "days")


async def count(connection: AsyncConnection, workspace: str, groups: Sequence[Counted]) -> None:
    """Adds events to the counts, as `domain.grouped` gives them."""
    if not groups:
        return
    await _add(connection, workspace, amounts(groups))
    await _see(connection, workspace, [group for group in groups if group.code == ACCEPTED])


async def _add(connection: AsyncConnection, workspace: str, added: dict[Tally, Amount]) -> None:
    table = source_counts.c
    query = select(table.source, table.day, table.code, table.events, table.last_at).where(
        table.workspace == workspace, tuple_(table.source, table.day, table.code).in_(list(added))
    )
    held = {Tally(*row[:3]): Amount(*row[3:]) for row in await connection.execute(query)}
    rows = [(workspace, *tally, *astuple(more(held.get(tally), amount))) for tally, amount in added.items()]
    await delete_rows(connection, source_counts, _COUNTS[:4], [(workspace, *tally) for tally in held])
    await insert_rows(connection, source_counts, _COUNTS, rows)


async def _see(connection: AsyncConnection, workspace: str, groups: Sequence[Counted]) -> None:
    """Nearly always all names came on the same day before, and nothing is written."""
    stored = await _stored(connection, workspace, {(group.source, group.name) for group in groups})
    unknown = {group.source for group in groups if (group.source, group.name) not in stored}
    room = await _room(connection, workspace, unknown) if unknown else {}
    names = dict(stored)
    changed = follow(names, room, groups)
    await delete_rows(connection, source_names, _NAMES[:3], [(workspace, *name) for name in changed & stored.keys()])
    rows = [(workspace, *name, *astuple(names[name])) for name in changed]
    await insert_rows(connection, source_names, _NAMES, rows)


async def _stored(connection: AsyncConnection, workspace: str, some: set[Name]) -> dict[Name, Seen]:
    table = source_names.c
    found: dict[Name, Seen] = {}
    for names in chunked(sorted({name for _, name in some})):
        query = select(table.source, table.name, table.first_day, table.last_day, table.days)
        query = query.where(
            table.workspace == workspace,
            among(connection, table.source, {source for source, _ in some}),
            among(connection, table.name, names),
        )
        for source, name, *seen in await connection.execute(query):
            found[source, name] = Seen(*seen)
    return found


async def _room(connection: AsyncConnection, workspace: str, some: set[str]) -> dict[str, int]:
    """How many more names of each source are followed."""
    table = source_names.c
    query = select(table.source, func.count()).where(
        table.workspace == workspace, among(connection, table.source, some)
    )
    taken = {row[0]: row[1] for row in await connection.execute(query.group_by(table.source))}
    return {source: MOST_NAMES - taken.get(source, 0) for source in some}


class Counts(NamedTuple):
    """All that is counted of the sources of a workspace."""

    amounts: dict[Tally, Amount]
    names: dict[Name, Seen]


async def counted(connection: AsyncConnection, workspace: str) -> Counts:
    """As it is stored."""
    counts, names = source_counts.c, source_names.c
    amounts_stored = select(counts.source, counts.day, counts.code, counts.events, counts.last_at)
    names_stored = select(names.source, names.name, names.first_day, names.last_day, names.days)
    found = Counts({}, {})
    for *tally, events, last_at in await connection.execute(amounts_stored.where(counts.workspace == workspace)):
        found.amounts[Tally(*tally)] = Amount(events, last_at)
    for source, name, *seen in await connection.execute(names_stored.where(names.workspace == workspace)):
        found.names[source, name] = Seen(*seen)
    return found
