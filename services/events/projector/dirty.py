"""Marks of customers that must be folded, each at the place in the log that asks for it.

Marks are only ever added by the first stage and deleted one by one by the second, so a mark that arrives while its
customer is being folded stays for the next step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import insert_rows
from services.events.intake.position import Place
from services.events.tables import dirty, identifiers, models

PARTITIONS = 16


class Mark(NamedTuple):
    partition: int
    place: Place
    customer: bytes


def partition_of(customer: bytes) -> int:
    """Customers are spread over partitions by a part of their id, which is a digest."""
    return customer[0] % PARTITIONS


async def mark(connection: AsyncConnection, workspace: str, marks: Collection[tuple[Place, bytes]]) -> None:
    rows = [(workspace, partition_of(customer), *place, customer) for place, customer in sorted(marks)]
    await insert_rows(connection, dirty, ("workspace", "partition", "xid", "seq", "customer"), rows)


async def mark_everyone(connection: AsyncConnection, workspace: str, place: Place) -> None:
    """Marks all customers of a workspace at one place. Marks already there stay as they are."""
    customer = identifiers.c.customer
    partition: ColumnElement[Any]
    if connection.dialect.name == "postgresql":
        partition = func.get_byte(customer, 0).op("%")(PARTITIONS)
    else:
        partition = func.instr("0123456789ABCDEF", func.substr(func.hex(customer), 2, 1)) - 1
    marked = select(dirty.c.customer).where(
        dirty.c.workspace == workspace, dirty.c.xid == place.xid, dirty.c.seq == place.seq
    )
    everyone = (
        select(literal(workspace), partition.cast(Integer), literal(place.xid), literal(place.seq), customer)
        .where(identifiers.c.workspace == workspace, customer.not_in(marked))
        .distinct()
    )
    await connection.execute(dirty.insert().from_select(["workspace", "partition", "xid", "seq", "customer"], everyone))


async def oldest(connection: AsyncConnection, workspace: str, partitions: Iterable[int], most: int) -> list[Mark]:
    """The marks that have waited longest."""
    query = (
        select(dirty.c.partition, dirty.c.xid, dirty.c.seq, dirty.c.customer)
        .where(dirty.c.workspace == workspace, dirty.c.partition.in_(list(partitions)))
        .order_by(dirty.c.xid, dirty.c.seq)
        .limit(most)
    )
    return [Mark(row.partition, Place(row.xid, row.seq), row.customer) for row in await connection.execute(query)]


async def clear(connection: AsyncConnection, workspace: str, marks: Collection[Mark]) -> None:
    """Deletes exactly these marks."""
    if not marks:
        return
    rows = [(workspace, *one.place, one.customer) for one in marks]
    if connection.dialect.name == "postgresql":
        columns = {"xids": 1, "seqs": 2, "customers": 3}
        values = {name: [row[index] for row in rows] for name, index in columns.items()}
        await connection.execute(_CLEAR_ON_POSTGRESQL, {"workspace": workspace} | values)
    else:
        where = " AND ".join(f"{name} = ?" for name in ("workspace", "xid", "seq", "customer"))
        await connection.exec_driver_sql(f"DELETE FROM dirty WHERE {where}", rows)


_CLEAR_ON_POSTGRESQL = text(
    "DELETE FROM dirty USING unnest(CAST(:xids AS bigint[]), CAST(:seqs AS bigint[]), CAST(:customers AS bytea[]))"
    " AS done (xid, seq, customer) WHERE dirty.workspace = :workspace AND dirty.xid = done.xid"
    " AND dirty.seq = done.seq AND dirty.customer = done.customer"
)


async def any_until(connection: AsyncConnection, workspace: str, place: Place) -> bool:
    """Whether anything asked for at or before a place is still to be folded."""
    until = or_(dirty.c.xid < place.xid, and_(dirty.c.xid == place.xid, dirty.c.seq <= place.seq))
    query = select(dirty.c.seq).where(dirty.c.workspace == workspace, until).limit(1)
    return (await connection.execute(query)).first() is not None


async def first(connection: AsyncConnection, workspace: str) -> Place | None:
    """The place of the mark that has waited longest."""
    query = select(dirty.c.xid, dirty.c.seq).where(dirty.c.workspace == workspace)
    row = (await connection.execute(query.order_by(dirty.c.xid, dirty.c.seq).limit(1))).first()
    return Place(row.xid, row.seq) if row else None


async def any_at_models(connection: AsyncConnection, workspace: str) -> bool:
    """Whether a published version still waits to be applied to someone."""
    at_model = and_(dirty.c.workspace == models.c.workspace, dirty.c.seq == models.c.seq)
    query = select(dirty.c.seq).join(models, at_model).where(dirty.c.workspace == workspace).limit(1)
    return (await connection.execute(query)).first() is not None
