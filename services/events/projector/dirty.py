"""Marks of customers that must be folded, each at a place in the log that asks for it.

Marks are only ever added by the first stage. The second deletes those of the customers it folds, but only what its
snapshot shows, and a fold reads a whole history; so a mark that arrives meanwhile stays for the next step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, insert_rows
from services.events.intake.position import Place
from services.events.tables import dirty, identifiers, models

PARTITIONS = 16


def partition_of(customer: bytes) -> int:
    """Customers are spread over partitions by a part of their id, which is a digest."""
    return customer[0] % PARTITIONS


async def mark(connection: AsyncConnection, workspace: str, places: Mapping[bytes, Place]) -> None:
    """Marks customers, each at a place where none of them has a mark yet."""
    rows = [(workspace, partition_of(customer), *place, customer) for customer, place in places.items()]
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


async def waiting(connection: AsyncConnection, workspace: str, partitions: Iterable[int], marks: int) -> list[bytes]:
    """Whose are the marks that have waited longest, up to so many marks."""
    query = (
        select(dirty.c.customer)
        .where(dirty.c.workspace == workspace, dirty.c.partition.in_(list(partitions)))
        .order_by(dirty.c.xid, dirty.c.seq)
        .limit(marks)
    )
    return list((await connection.execute(query)).scalars())


async def clear(connection: AsyncConnection, workspace: str, customers: Collection[bytes]) -> None:
    """Deletes the marks of customers, as far as this transaction sees them."""
    for some in chunked(list(customers)):
        await connection.execute(
            dirty.delete().where(dirty.c.workspace == workspace, among(connection, dirty.c.customer, some))
        )


async def any_until(connection: AsyncConnection, workspace: str, place: Place) -> bool:
    """Whether anything asked for at or before a place is still to be folded."""
    until = tuple_(dirty.c.xid, dirty.c.seq) <= place
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
