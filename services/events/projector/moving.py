"""Instances whose first event has gone over to another customer.

When two customers become one, each fold knows half of it: the one that lost the event has an instance no longer, the
one that has it now has a new one, under the same id. Published is only what differs between the two. Whichever is
folded first, the other's half is found: still under the former customer, or here. What nobody takes from here is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among, delete_rows
from services.events.live.domain.changes import Told, told
from services.events.live.rows import InstanceRow, StepRow
from services.events.partitions import partition_of
from services.events.projector import cursor, dirty
from services.events.projector.telling import Identity, Passed
from services.events.tables import instances, moving_instances, steps

_KEY = ("workspace", "instance", "build")
_UNCLAIMED_AT_ONCE = 500

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Told).decode


async def leave(connection: AsyncConnection, database: Database, workspace: str, left: Sequence[Passed]) -> None:
    """Keeps what has been published of instances until their new customers are folded.

    They are marked by now, at or before the place up to which the log has been read.
    """
    if not left:
        return
    place, _slots = await cursor.read(connection, workspace)
    rows = [
        {
            "workspace": workspace,
            "instance": one.instance,
            "build": build,
            "partition": partition_of(one.customer),
            "xid": place.xid,
            "seq": place.seq,
            "body": _encode(one),
        }
        for build, one in left
    ]
    insert = database.upsert(moving_instances)
    changed = {name: insert.excluded[name] for name in ("partition", "xid", "seq", "body")}
    await connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


async def known(connection: AsyncConnection, workspace: str, come: Sequence[Passed]) -> dict[Identity, Told]:
    """What others have published of instances that are new to their customers. What was left here is taken."""
    if not come:
        return {}
    customers = {one.identity: one.told.customer for one in come}
    ids = {one.told.instance for one in come}
    columns = (moving_instances.c.instance, moving_instances.c.build, moving_instances.c.body)
    query = select(*columns).where(
        moving_instances.c.workspace == workspace, among(connection, moving_instances.c.instance, ids)
    )
    found = {
        (row.instance, row.build): _decode(row.body)
        for row in await connection.execute(query)
        if (row.instance, row.build) in customers
    }
    await delete_rows(connection, moving_instances, _KEY, [(workspace, *identity) for identity in found])
    return found | await _under_others(connection, workspace, customers)


async def unclaimed(
    connection: AsyncConnection, workspace: str, partitions: Collection[int], builds: Collection[int]
) -> tuple[int, list[Told]]:
    """Takes away what was left by customers of these partitions for others who have been folded since.

    How many instances these were, and which of them there are no longer in these builds.
    """
    columns = (moving_instances.c.instance, moving_instances.c.build, moving_instances.c.body)
    query = select(*columns).where(
        moving_instances.c.workspace == workspace, moving_instances.c.partition.in_(list(partitions))
    )
    waiting = await dirty.first(connection, workspace)
    if waiting is not None:
        query = query.where(tuple_(moving_instances.c.xid, moving_instances.c.seq) < waiting)
    rows = (await connection.execute(query.order_by(*columns[:2]).limit(_UNCLAIMED_AT_ONCE))).all()
    if not rows:
        return 0, []
    there = select(instances.c.instance, instances.c.build).where(
        instances.c.workspace == workspace, among(connection, instances.c.instance, {row.instance for row in rows})
    )
    taken = {(row.instance, row.build) for row in await connection.execute(there)}
    await delete_rows(connection, moving_instances, _KEY, [(workspace, row.instance, row.build) for row in rows])
    gone = [row for row in rows if row.build in builds and (row.instance, row.build) not in taken]
    return len(rows), [_decode(row.body) for row in gone]


async def is_any(connection: AsyncConnection, workspace: str) -> bool:
    """Whether any instance is on its way."""
    of_workspace = moving_instances.c.workspace == workspace
    return bool(await connection.scalar(select(exists().where(of_workspace))))


async def _under_others(
    connection: AsyncConnection, workspace: str, customers: Mapping[Identity, bytes]
) -> dict[Identity, Told]:
    """Those that are stored under their former customers still; `customers` have them now."""
    query = select(*(instances.c[name] for name in InstanceRow._fields)).where(
        instances.c.workspace == workspace,
        among(connection, instances.c.instance, {instance for instance, _build in customers}),
    )
    rows = {
        (row.instance, row.build): row
        for row in (InstanceRow(*columns) for columns in await connection.execute(query))
        if customers.get((row.instance, row.build), row.customer) != row.customer
    }
    if not rows:
        return {}
    taken: dict[Identity, list[StepRow]] = {identity: [] for identity in rows}
    query = select(*(steps.c[name] for name in StepRow._fields)).where(
        steps.c.workspace == workspace,
        among(connection, steps.c.customer, {row.customer for row in rows.values()}),
        among(connection, steps.c.instance, {row.instance for row in rows.values()}),
    )
    for step in (StepRow(*columns) for columns in await connection.execute(query.order_by(steps.c.key))):
        identity = step.instance, step.build
        if identity in rows and rows[identity].customer == step.customer:
            taken[identity].append(step)
    return {identity: told(row, None, taken[identity]) for identity, row in rows.items()}
