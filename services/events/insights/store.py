"""The counters in SQL: one row per cell, and the changes that are still to be added to them.

Readers sum both. Whoever folds customers only appends what changed, because a few customers touch very many cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import ColumnElement, FromClause, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, delete_rows, given, insert_rows
from services.events.insights.contributions import tallied
from services.events.insights.domain import Cell, Counts, Part, Tally
from services.events.tables import counter_changes, counters

_KEY = ("workspace", *Cell._fields)
_Body = tuple[dict[str, int], dict[str, msgspec.Raw]]
"""The plain counts and the gaps: buckets of names that are not changed are not even decoded."""

_encode = msgspec.msgpack.Encoder().encode
_encode_body = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_body = msgspec.msgpack.Decoder(_Body).decode
_decode_buckets = msgspec.msgpack.Decoder(dict[int, int]).decode
_decode_parts = msgspec.msgpack.Decoder(list[Part]).decode
_decode_counts = msgspec.msgpack.Decoder(tuple[dict[str, int], dict[str, dict[int, int]]]).decode


async def apply(connection: AsyncConnection, workspace: str, tally: Tally) -> None:
    """Adds what was tallied: as one row for each partition, which `settle` spreads over the counters later."""
    parts: dict[int, list[Part]] = defaultdict(list)
    for part in tally.parts():
        parts[part[0][0]].append(part)
    rows = [(workspace, partition, _encode(some)) for partition, some in parts.items()]
    await insert_rows(connection, counter_changes, ("workspace", "partition", "body"), rows)


async def settle(
    connection: AsyncConnection,
    database: Database,
    workspace: str,
    partitions: Collection[int],
    at_least: int,
    only: Collection[int] | None = None,
) -> int:
    """Adds the changes of those partitions that have so many of them to the counters; how many partitions these are.

    Each change would rewrite most of the cells that its neighbours rewrite. There must be one writer at a time for each
    partition. What is to be added to other builds than `only` is dropped: theirs are swept away.
    """
    of_workspace = counter_changes.c.workspace == workspace, counter_changes.c.partition.in_(list(partitions))
    count = func.count()
    query = select(counter_changes.c.partition).where(*of_workspace).group_by(counter_changes.c.partition)
    full = list((await connection.execute(query.having(count >= at_least))).scalars())
    if full:
        numbers, tally = await _changes(connection, workspace, counter_changes.c.partition.in_(full))
        cells = {cell: change for cell, change in tally.cells().items() if only is None or cell.build in only}
        await _add(connection, database, workspace, cells)
        await delete_rows(connection, counter_changes, ("number",), [(number,) for number in numbers])
    return len(full)


async def counted(connection: AsyncConnection, workspace: str) -> dict[Cell, bytes]:
    """All counters with all changes, as bodies. The connection has to show one moment all the while."""
    columns = [counters.c[name] for name in Cell._fields]
    query = select(*columns, counters.c.body).where(counters.c.workspace == workspace)
    found = {Cell(*row[:-1]): row[-1] for row in await connection.execute(query)}
    for cell, change in (await changes(connection, workspace)).cells().items():
        body = added(found.pop(cell, None), change)
        if body is not None:
            found[cell] = body
    return found


async def changes(connection: AsyncConnection, workspace: str) -> Tally:
    """What is still to be added to the counters."""
    _numbers, tally = await _changes(connection, workspace)
    return tally


async def _changes(connection: AsyncConnection, workspace: str, *met: ColumnElement[bool]) -> tuple[list[int], Tally]:
    numbers, tally = [], Tally()
    query = select(counter_changes.c.number, counter_changes.c.body)
    for number, body in await connection.execute(query.where(counter_changes.c.workspace == workspace, *met)):
        numbers.append(number)
        for part in _decode_parts(body):
            tally.take(part)
    return numbers, tally


async def _add(connection: AsyncConnection, database: Database, workspace: str, cells: Mapping[Cell, Counts]) -> None:
    if not cells:
        return
    held = await _bodies(connection, workspace, cells)
    rows, emptied = [], []
    for cell, change in cells.items():
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
