"""Reading the start of many ranges of rows at once, at a cost that does not depend on how long the ranges are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Row, Table, and_, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

Only = Callable[[FromClause], ColumnElement[bool]]
"""What rows must meet, said of the table that they are read from."""


async def first_of_each(
    connection: AsyncConnection,
    wanted: Collection[bytes],
    owners: FromClause,
    ranges: Table,
    *,
    limit: int,
    newest_first: bool = False,
    only: Only | None = None,
) -> dict[bytes, list[Row[Any]]]:
    """For each wanted owner the first rows of its ranges, merged in the order of their history keys.

    Each row of `owners` names a range of an `owner`: the rows of `ranges` that are equal in all columns that both have,
    from `from_key` on and before `to_key` where it has these, and that meet `only`. One query, whatever is wanted. To
    be cheap, a range has to share the primary key but its last column, `key`: it is entered there and left after
    `limit` rows (a window over whole ranges would read all of them). Rows that do not meet `only` are read on the way,
    unless an index leaves them out.
    """
    source, ranged = _heads(connection, owners, ranges, newest_first, limit, only)
    order = ranged.c.key.desc() if newest_first else ranged.c.key.asc()
    columns = [ranged.c[column.name] for column in ranges.c if column.name not in owners.c]
    place = func.row_number().over(partition_by=owners.c.owner, order_by=order)
    merged = select(owners.c.owner, *columns, place.label("place")).select_from(source).subquery()
    query = select(merged).where(merged.c.place <= limit).order_by(merged.c.owner, merged.c.place)
    found: dict[bytes, list[Row[Any]]] = {owner: [] for owner in wanted}
    for row in await connection.execute(query):
        found[row.owner].append(row)
    return found


def _heads(
    connection: AsyncConnection, owners: FromClause, ranges: Table, newest_first: bool, limit: int, only: Only | None
) -> tuple[FromClause, FromClause]:
    """`owners` joined with the first rows of their ranges, and what to read the rows' columns from."""
    inner = ranges.alias("head")
    key = inner.c.key
    within = [inner.c[column.name] == column for column in owners.c if column.name in inner.c]
    if "from_key" in owners.c:
        within.append(key >= owners.c.from_key)
    if "to_key" in owners.c:
        within.append(key < owners.c.to_key)
    if only is not None:
        within.append(only(inner))
    head = select(inner).where(and_(*within)).correlate(owners)
    head = head.order_by(key.desc() if newest_first else key.asc()).limit(limit)
    if connection.dialect.name == "postgresql":
        lateral = head.lateral("ranged")
        return owners.join(lateral, true()), lateral
    # SQLite has no LATERAL, but it seeks the rows whose ids a correlated subquery gives.
    outer = ranges.alias("ranged")
    ids = head.with_only_columns(literal_column("head.rowid", Integer))
    return owners.join(outer, literal_column("ranged.rowid", Integer).in_(ids)), outer
