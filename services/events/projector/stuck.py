"""Events that cannot be folded: left out of their customer's history, listed, and tried again.

The customer goes on without them. Whoever takes over a partition, a process with mended code for one, tries them again:
each is then applied in its place, or listed anew; and so does whoever folds the whole history for another reason. A
customer that cannot be folded at all is listed without an event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, delete_rows, insert_rows
from services.events.intake.position import Place
from services.events.partitions import partition_of
from services.events.projector import dirty
from services.events.projector.work import Unfoldable
from services.events.tables import cursors, stuck

NO_EVENT = ""
_COLUMNS = ("customer", "event", "key", "partition", "error", "since")


async def listed(connection: AsyncConnection, workspace: str, customers: Collection[bytes]) -> dict[bytes, set[str]]:
    """The events of customers that could not be folded; NO_EVENT of those that could not be at all."""
    found: dict[bytes, set[str]] = defaultdict(set)
    query = select(stuck.c.customer, stuck.c.event).where(
        stuck.c.workspace == workspace, among(connection, stuck.c.customer, customers)
    )
    for row in await connection.execute(query):
        found[row.customer].add(row.event)
    return found


async def forget(connection: AsyncConnection, workspace: str, customers: Collection[bytes]) -> None:
    """Takes all events of customers off the list: they have been tried again, or are another customer's now."""
    if customers:
        of_customers = among(connection, stuck.c.customer, customers)
        await connection.execute(stuck.delete().where(stuck.c.workspace == workspace, of_customers))


async def list_events(
    connection: AsyncConnection, workspace: str, unfoldable: Mapping[bytes, Sequence[Unfoldable]], now: int
) -> None:
    rows = [
        (workspace, customer, one.event, one.key, partition_of(customer), one.error, now)
        for customer, events in unfoldable.items()
        for one in events
    ]
    await insert_rows(connection, stuck, ("workspace", *_COLUMNS), rows)


async def list_customers(
    connection: AsyncConnection, workspace: str, failed: Mapping[bytes, str], folded: Collection[bytes], now: int
) -> None:
    """Of these customers those that failed, and no others, are listed as a whole."""
    names = ("workspace", "customer", "event")
    both = [*failed, *folded]
    query = select(stuck.c.customer).where(
        stuck.c.workspace == workspace, stuck.c.event == NO_EVENT, among(connection, stuck.c.customer, both)
    )
    listed = [(workspace, customer, NO_EVENT) for customer in (await connection.execute(query)).scalars()]
    await delete_rows(connection, stuck, names, listed)
    rows = [
        (workspace, customer, NO_EVENT, b"", partition_of(customer), error, now) for customer, error in failed.items()
    ]
    await insert_rows(connection, stuck, ("workspace", *_COLUMNS), rows)


async def try_again(connection: AsyncConnection, workspace: str, partitions: Collection[int]) -> None:
    """Takes everything of these partitions off the list and marks its customers."""
    listed = stuck.c.workspace == workspace, stuck.c.partition.in_(list(partitions))
    customers = set((await connection.execute(select(stuck.c.customer).where(*listed))).scalars())
    if not customers:
        return
    cursor = select(cursors.c.xid, cursors.c.seq).where(cursors.c.workspace == workspace)
    place = Place(*(await connection.execute(cursor)).one())
    await connection.execute(stuck.delete().where(*listed))
    await dirty.mark_again(connection, workspace, customers, place)
