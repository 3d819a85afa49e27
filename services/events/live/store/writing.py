"""Writing what folding customers on has changed. Rows are replaced by deleting and inserting in bulk, which costs a
fraction of updating one by one; and where another process was faster, PostgreSQL refuses the delete of a row that is
gone instead of letting one overwrite the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, delete_rows, insert_rows
from services.events.live.domain.changes import InstanceChange, renumbering
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.tables import checkpoints, customers, former_instances, instances, steps


class Renumbered(NamedTuple):
    """The runs of a build that began behind a place count so many more than before."""

    customer: bytes
    build: int
    behind: bytes
    more: int
    is_told: bool
    """Whether that is published."""


@dataclass(slots=True)
class Changes:
    """What differs from what is stored. Rows that are in both lists are replaced."""

    customers_gone: list[bytes] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    instances_gone: list[InstanceRow] = field(default_factory=list)
    instances: list[InstanceRow] = field(default_factory=list)
    former: list[InstanceRow] = field(default_factory=list)
    """Those of `instances_gone` whose ids nobody bears any more."""
    steps_gone: list[StepRow] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    checkpoints_gone: list[tuple[bytes, bytes]] = field(default_factory=list)
    checkpoints: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    """Customer, history key, states."""
    renumbered: list[Renumbered] = field(default_factory=list)

    def add(self, other: Changes) -> None:
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))


async def write(
    connection: AsyncConnection, database: Database, workspace: str, changes: Changes
) -> list[InstanceChange]:
    """Makes what is stored equal to what was folded. What is to be published of instances that it did not show."""
    await _remember_former(connection, database, workspace, changes.former)
    published = [
        change for renumbered in changes.renumbered for change in await _renumber(connection, workspace, renumbered)
    ]
    named = ("workspace", "customer", "build", "start_key")
    doomed = [(workspace, row.customer, row.build, row.start_key) for row in changes.instances_gone]
    await delete_rows(connection, instances, named, doomed)
    await _insert(connection, workspace, instances, InstanceRow._fields, changes.instances)
    doomed_steps = [(workspace, row.customer, row.build, row.key) for row in changes.steps_gone]
    await delete_rows(connection, steps, ("workspace", "customer", "build", "key"), doomed_steps)
    await _insert(connection, workspace, steps, StepRow._fields, changes.steps)
    doomed_checkpoints = [(workspace, *row) for row in changes.checkpoints_gone]
    await delete_rows(connection, checkpoints, ("workspace", "customer", "key"), doomed_checkpoints)
    await _insert(connection, workspace, checkpoints, ("customer", "key", "state"), changes.checkpoints)
    doomed_customers = [(workspace, customer) for customer in changes.customers_gone]
    await delete_rows(connection, customers, ("workspace", "customer"), doomed_customers)
    await _insert(connection, workspace, customers, CustomerRow._fields, changes.customers)
    return published


async def _insert(
    connection: AsyncConnection, workspace: str, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    await insert_rows(connection, table, ("workspace", *columns), [(workspace, *row) for row in rows])


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


async def _renumber(connection: AsyncConnection, workspace: str, renumbered: Renumbered) -> list[InstanceChange]:
    behind = (
        instances.c.workspace == workspace,
        instances.c.customer == renumbered.customer,
        instances.c.build == renumbered.build,
        instances.c.start_key > renumbered.behind,
    )
    statement = update(instances).where(*behind).values(run=instances.c.run + renumbered.more)
    if not renumbered.is_told:
        await connection.execute(statement)
        return []
    rows = await connection.execute(statement.returning(*_TOLD))
    return [renumbering(*row) for row in sorted(rows, key=lambda row: row.start_key)]


_TOLD = tuple(instances.c[name] for name in ("customer", "instance", "journey", "key", "start_key", "status", "phase"))
