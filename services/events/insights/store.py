"""The counters in SQL: one row per cell, to which differences are added."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import FromClause, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, delete_rows, given
from services.events.insights.contributions import tallied
from services.events.insights.domain import Cell, Counts, Tally
from services.events.tables import counters

_KEY = ("workspace", *Cell._fields)
_Body = tuple[dict[str, int], dict[str, msgspec.Raw]]
"""The plain counts and the gaps: buckets of names that are not changed are not even decoded."""

_encode = msgspec.msgpack.Encoder().encode
_encode_body = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_body = msgspec.msgpack.Decoder(_Body).decode
_decode_buckets = msgspec.msgpack.Decoder(dict[int, int]).decode
_decode_counts = msgspec.msgpack.Decoder(tuple[dict[str, int], dict[str, dict[int, int]]]).decode


async def apply(connection: AsyncConnection, database: Database, workspace: str, tally: Tally) -> None:
    """Adds what was tallied to the counters. There must be one writer at a time for each partition."""
    changes = tally.cells()
    if not changes:
        return
    held = await _bodies(connection, workspace, changes)
    rows, emptied = [], []
    for cell, change in changes.items():
        body = added(held.get(cell), change)
        if body is not None:
            rows.append({"workspace": workspace, **cell._asdict(), "body": body})
        elif cell in held:
            emptied.append((workspace, *cell))
    await delete_rows(connection, counters, _KEY, emptied)
    if rows:
        insert = database.upsert(counters)
        update = insert.on_conflict_do_update(index_elements=_KEY, set_={"body": insert.excluded.body})
        await connection.execute(update, rows)


async def counted(connection: AsyncConnection, workspace: str) -> dict[Cell, bytes]:
    """All counters, as bodies."""
    columns = [counters.c[name] for name in Cell._fields]
    query = select(*columns, counters.c.body).where(counters.c.workspace == workspace)
    return {Cell(*row[:-1]): row[-1] for row in await connection.execute(query)}


async def summed(connection: AsyncConnection, workspace: str) -> dict[Cell, bytes]:
    """All counters as they ought to be: what the stored instances and steps add up to, read in portions.

    The connection has to show one moment all the while (see Database.read).
    """
    sums = (await tallied(connection, workspace)).cells()
    return {cell: body for cell, counts in sums.items() if (body := added(None, counts)) is not None}


def added(body: bytes | None, change: Counts) -> bytes | None:
    """The body of a cell after a change; None when nothing is left, as when there was none.

    Equal sums are equal bytes: names and buckets are sorted, and nothing is kept of what has come to zero.
    """
    plain, gaps = ({}, {}) if body is None else _decode_body(body)
    for name, count in change.plain.items():
        plain[name] = plain.get(name, 0) + count
    if 0 in plain.values():
        plain = {name: count for name, count in plain.items() if count}
    for name, buckets in change.gaps.items():
        total = _decode_buckets(gaps[name]) if name in gaps else {}
        for bucket, count in buckets.items():
            total[bucket] = total.get(bucket, 0) + count
        left = {bucket: total[bucket] for bucket in sorted(total) if total[bucket]}
        if left:
            gaps[name] = msgspec.Raw(_encode(left))
        else:
            gaps.pop(name, None)
    return _encode_body((plain, gaps)) if plain or gaps else None


def counts_in(body: bytes) -> Counts:
    """What the body of a cell says."""
    return Counts(*_decode_counts(body))


async def _bodies(connection: AsyncConnection, workspace: str, cells: Collection[Cell]) -> dict[Cell, bytes]:
    """The bodies of those cells that have one."""
    columns = {name: counters.c[name] for name in Cell._fields}
    asked: FromClause
    if connection.dialect.name == "postgresql":
        asked = given(connection, "asked", columns, list(cells))
    else:  # One bound text: thousands of values take SQLAlchemy longer to compile than SQLite to look up.
        each = func.json_each(msgspec.json.encode(list(cells)).decode()).table_valued("value")
        parts = [func.json_extract(each.c.value, f"$[{place}]").label(name) for place, name in enumerate(columns)]
        asked = select(*parts).cte("asked").prefix_with("MATERIALIZED")  # else all counters would be looked through
    same = [counters.c[name] == asked.c[name] for name in columns]
    query = select(*columns.values(), counters.c.body).where(counters.c.workspace == workspace, *same)
    return {Cell(*row[:-1]): row[-1] for row in await connection.execute(query)}
