"""Marks of customers that must be folded: at which place in the log, and which part of their history is another one.

Marks are added by the first stage, at ever later places. The second deletes those of the customers it folds, but only
what its snapshot showed; so a mark that arrives meanwhile stays for the next step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import IntFlag
from typing import Any, NamedTuple

from sqlalchemy import case, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, delete_rows, insert_rows
from services.events.intake.position import Place
from services.events.partitions import PARTITIONS, partition_of
from services.events.tables import customers as customers_table
from services.events.tables import dirty
from services.events.timeline.domain import BEGINNING, END, Microseconds, first_key_at

__all__ = [
    "EVERYTHING",
    "PARTITIONS",
    "Cause",
    "Change",
    "Waiting",
    "clear",
    "clear_until",
    "first",
    "mark",
    "mark_again",
    "mark_since",
    "partition_of",
    "waiting",
    "waiting_of",
]


class Cause(IntFlag):
    """What a history is another one for; both, if it came together before the customer was folded."""

    LIVE = 1
    IMPORTED = 2


class Change(NamedTuple):
    """Which part of a history is another one since it was folded last. Outside of it, nothing came or went.

    Keys are history keys or bounds of them, both ends included.
    """

    from_key: bytes
    to_key: bytes
    events: int
    """How many events came in; those that moved from another customer are not counted."""
    cause: Cause = Cause.LIVE

    @property
    def is_everything(self) -> bool:
        return self.from_key == BEGINNING and self.to_key == END

    def merged(self, other: Change) -> Change:
        """The smallest part that holds both."""
        return Change(
            min(self.from_key, other.from_key),
            max(self.to_key, other.to_key),
            self.events + other.events,
            self.cause | other.cause,
        )


EVERYTHING = Change(BEGINNING, END, 0)
"""Of a customer that lost events, too: nothing that is stored of the history can be relied on."""


class Waiting(NamedTuple):
    """What all marks of a customer say together."""

    change: Change
    last: Place
    """Of the latest mark; see `clear_until`."""


async def mark(connection: AsyncConnection, workspace: str, marks: Mapping[bytes, tuple[Place, Change]]) -> None:
    """Marks customers, each at a place where it has no mark yet."""
    rows = [
        (workspace, partition_of(customer), *place, customer, *change[:-1], int(change.cause))
        for customer, (place, change) in marks.items()
    ]
    await insert_rows(connection, dirty, _COLUMNS, rows)


async def mark_again(connection: AsyncConnection, workspace: str, customers: Collection[bytes], place: Place) -> None:
    """Marks customers, wholly, at a place where some may have a mark."""
    names = ("workspace", "customer", "xid", "seq")
    await delete_rows(connection, dirty, names, [(workspace, customer, *place) for customer in customers])
    await mark(connection, workspace, dict.fromkeys(customers, (place, EVERYTHING)))


async def mark_since(connection: AsyncConnection, workspace: str, place: Place, since: Microseconds) -> None:
    """Marks the customers with an event at or after a moment, from there to the end, and no others.

    As far as they are folded: whoever has such an event only since then has a mark for it.
    """
    concerned = select(
        customers_table.c.workspace,
        customers_table.c.partition,
        literal(place.xid),
        literal(place.seq),
        customers_table.c.customer,
        literal(first_key_at(since)),
        literal(END),
        literal(0),
        literal(int(Cause.LIVE)),
    ).where(customers_table.c.workspace == workspace, customers_table.c.last_seen_at >= since)
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(dirty)
    statement = insert.from_select(_COLUMNS, concerned)
    earlier = statement.excluded.from_key < dirty.c.from_key
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[dirty.c.workspace, dirty.c.customer, dirty.c.xid, dirty.c.seq],
            set_={
                "from_key": case((earlier, statement.excluded.from_key), else_=dirty.c.from_key),
                "to_key": statement.excluded.to_key,
            },
        )
    )


async def waiting(
    connection: AsyncConnection,
    workspace: str,
    partitions: Iterable[int],
    marks: int,
    leave_out: Collection[bytes] = (),
) -> dict[bytes, Waiting]:
    """Whose are the marks that have waited longest, up to so many marks, and what all of their marks say.

    The customer whose mark has waited longest comes first.
    """
    longest = select(dirty.c.customer).where(dirty.c.workspace == workspace, dirty.c.partition.in_(list(partitions)))
    if leave_out:
        longest = longest.where(dirty.c.customer.not_in(leave_out))
    chosen = longest.order_by(dirty.c.xid, dirty.c.seq).limit(marks).subquery()
    query = (
        select(*_MARK)
        .where(dirty.c.workspace == workspace, dirty.c.customer.in_(select(chosen.c.customer)))
        .order_by(dirty.c.xid, dirty.c.seq)
    )
    return _together(await connection.execute(query))


async def waiting_of(connection: AsyncConnection, workspace: str, customer: bytes) -> Waiting | None:
    """What all marks of one customer say."""
    query = (
        select(*_MARK)
        .where(dirty.c.workspace == workspace, dirty.c.customer == customer)
        .order_by(dirty.c.xid, dirty.c.seq)
    )
    return _together(await connection.execute(query)).get(customer)


def _together(marks: Iterable[Any]) -> dict[bytes, Waiting]:
    """`marks` in the order of their places."""
    found: dict[bytes, Waiting] = {}
    for customer, xid, seq, from_key, to_key, events, cause in marks:
        change = Change(from_key, to_key, events, Cause(cause))
        held = found.get(customer)
        found[customer] = Waiting(held.change.merged(change) if held else change, Place(xid, seq))
    return found


async def clear(connection: AsyncConnection, workspace: str, customers: Collection[bytes]) -> None:
    """Deletes the marks of customers, as far as this transaction's snapshot shows them."""
    for some in chunked(list(customers)):
        await connection.execute(
            dirty.delete().where(dirty.c.workspace == workspace, among(connection, dirty.c.customer, some))
        )


async def clear_until(connection: AsyncConnection, workspace: str, customer: bytes, place: Place) -> None:
    """Deletes a customer's marks at or before a place: `Waiting.last`, of a fold that read in an earlier transaction.

    Whatever was marked since then stands at a later place.
    """
    until = tuple_(dirty.c.xid, dirty.c.seq) <= place
    await connection.execute(dirty.delete().where(dirty.c.workspace == workspace, dirty.c.customer == customer, until))


async def first(connection: AsyncConnection, workspace: str) -> Place | None:
    """The place of the mark that has waited longest."""
    query = select(dirty.c.xid, dirty.c.seq).where(dirty.c.workspace == workspace)
    row = (await connection.execute(query.order_by(dirty.c.xid, dirty.c.seq).limit(1))).first()
    return Place(row.xid, row.seq) if row else None


_MARK = tuple(dirty.c[name] for name in ("customer", "xid", "seq", *Change._fields))
_COLUMNS = ("workspace", "partition", "xid", "seq", "customer", *Change._fields)
