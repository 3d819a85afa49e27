"""Customers, instances and steps in SQL, as the fold stage compares and writes them in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among, chunked, insert_rows
from services.events.tables import customers, former_instances, instances, steps

_encode = msgspec.msgpack.encode


class CustomerRow(NamedTuple):
    customer: bytes
    partition: int
    first_seen_at: int
    last_seen_at: int
    first_event: str
    traits: bytes


class StepRow(NamedTuple):
    instance: bytes
    key: bytes
    seq: int
    slot: int
    touchpoint: str | None
    phase: str
    direction: str
    channel: str | None
    device: str | None


class InstanceRow(NamedTuple):
    """As tables.instances, without the workspace. `steps_digest` covers all steps; see StepsDigest."""

    instance: bytes
    customer: bytes
    partition: int
    journey: str
    version: int
    key: str | None
    run: int
    status: str
    phase: str
    touchpoint: str | None
    started_at: int
    start_event: str
    last_event_at: int
    ended_at: int | None
    due_at: int | None
    drop_reason: str | None
    drop_phase: str | None
    drop_at: int | None
    drop_evidence: str | None
    steps: int
    steps_digest: bytes


_Row = CustomerRow | StepRow | InstanceRow


@dataclass(slots=True)
class Folded:
    """An instance as the fold sees it now."""

    row: InstanceRow
    steps: Sequence[StepRow]


def steps_digest(rows: Sequence[StepRow]) -> bytes:
    """Tells whether stored steps are a beginning of new ones, without reading them back."""
    return blake2b(_encode(rows), digest_size=16).digest()


async def stored_instances(
    connection: AsyncConnection, workspace: str, owners: Collection[bytes], ids: Collection[bytes]
) -> dict[bytes, InstanceRow]:
    """The instances of these customers, and those with these ids, whomever they were of."""
    found: dict[bytes, InstanceRow] = {}
    columns = [instances.c[name] for name in InstanceRow._fields]
    for column, values in ((instances.c.customer, owners), (instances.c.instance, ids)):
        for some in chunked(list(values)):
            query = select(*columns).where(instances.c.workspace == workspace, among(connection, column, some))
            found |= {row.instance: InstanceRow(*row) for row in await connection.execute(query)}
    return found


async def write_instances(
    connection: AsyncConnection,
    database: Database,
    workspace: str,
    folded: Mapping[bytes, Folded],
    stored: Mapping[bytes, InstanceRow],
) -> None:
    """Makes the stored instances of the folded customers equal to `folded`: what is the same is not written."""
    gone = [id for id in stored if id not in folded]
    rewritten: list[bytes] = []
    appended: list[StepRow] = []
    for id, new in folded.items():
        old = stored.get(id)
        if old is not None and old.steps_digest == new.row.steps_digest:
            continue
        if old is None or old.steps_digest == steps_digest(new.steps[: old.steps]):
            appended += new.steps[old.steps if old else 0 :]
        else:
            rewritten.append(id)
            appended += new.steps
    await _remember_former(connection, database, workspace, [stored[id] for id in gone])
    await _replace(connection, workspace, steps.c.instance, gone + rewritten, appended)
    changed = [new.row for id, new in folded.items() if stored.get(id) != new.row]
    replaced = gone + [row.instance for row in changed if row.instance in stored]
    await _replace(connection, workspace, instances.c.instance, replaced, changed)


async def _remember_former(
    connection: AsyncConnection, database: Database, workspace: str, rows: Sequence[InstanceRow]
) -> None:
    """An id that was given out once goes on to resolve: to the instance that takes its start event now."""
    former = [
        {"workspace": workspace, "instance": row.instance, "journey": row.journey, "start_event": row.start_event}
        for row in rows
    ]
    if former:
        await connection.execute(database.upsert(former_instances).on_conflict_do_nothing(), former)


async def write_customers(
    connection: AsyncConnection, workspace: str, rows: Sequence[CustomerRow], gone: Sequence[bytes]
) -> None:
    replaced = [*gone, *(row.customer for row in rows)]
    await _replace(connection, workspace, customers.c.customer, replaced, rows)


async def _replace(
    connection: AsyncConnection, workspace: str, key: Column[bytes], gone: Sequence[bytes], rows: Sequence[_Row]
) -> None:
    """Deletes all rows with these keys, then appends `rows`: in bulk that costs a fraction of updating one by one."""
    table = key.table
    for some in chunked(gone):
        await connection.execute(table.delete().where(table.c.workspace == workspace, among(connection, key, some)))
    if rows:
        await insert_rows(connection, table, ("workspace", *rows[0]._fields), [(workspace, *row) for row in rows])
