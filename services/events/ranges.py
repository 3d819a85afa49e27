"""Reading the start of many ranges of rows at once, at a cost that does not depend on how long the ranges are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Integer, Row, Table, and_, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among


async def first_of_each(
    connection: AsyncConnection,
    owner: Column[bytes],
    wanted: Collection[bytes],
    ranges: Table,
    *,
    where: Sequence[ColumnElement[bool]],
    limit: int,
    after: bytes | None = None,
    newest_first: bool = False,
) -> dict[bytes, list[Row[Any]]]:
    """For each wanted value of `owner` the first rows of its ranges, merged in the order of their history keys.

    A range is the rows of `ranges` that share all of its primary key but the last column, `key`; the table of `owner`
    names them by columns of the same names, and `where` narrows it. One query, whatever is wanted; each range is
    entered through its primary key and left after `limit` rows (a window over whole ranges would read all of them).
    """
    owners = owner.table
    source, ranged = _heads(connection, owners, ranges, after, newest_first, limit)
    order = ranged.c.key.desc() if newest_first else ranged.c.key.asc()
    columns = [column for column in ranged.c if column.name not in ("workspace", owner.key)]
    place = func.row_number().over(partition_by=owner, order_by=order)
    merged = (
        select(owner.label("owner"), *columns, place.label("place"))
        .select_from(source)
        .where(*where, among(connection, owner, wanted))
        .subquery()
    )
    query = select(merged).where(merged.c.place <= limit).order_by(merged.c.owner, merged.c.place)
    found: dict[bytes, list[Row[Any]]] = {value: [] for value in wanted}
    for item in await connection.execute(query):
        found[item.owner].append(item)
    return found


def _heads(
    connection: AsyncConnection, owners: Table, ranges: Table, after: bytes | None, newest_first: bool, limit: int
) -> tuple[FromClause, FromClause]:
    """`owners` joined with the first rows of their ranges, and what to read the rows' columns from."""
    names = [column.name for column in ranges.primary_key if column.name != "key"]
    inner = ranges.alias("head")
    key = inner.c.key
    head = select(inner).where(and_(*(inner.c[name] == owners.c[name] for name in names))).correlate(owners)
    if after is not None:
        head = head.where(key < after if newest_first else key > after)
    head = head.order_by(key.desc() if newest_first else key.asc()).limit(limit)
    if connection.dialect.name == "postgresql":
        lateral = head.lateral("ranged")
        return owners.join(lateral, true()), lateral
    # SQLite has no LATERAL, but it seeks the rows whose ids a correlated subquery gives.
    outer = ranges.alias("ranged")
    ids = head.with_only_columns(literal_column("head.rowid", Integer))
    return owners.join(outer, literal_column("ranged.rowid", Integer).in_(ids)), outer
