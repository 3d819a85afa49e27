"""What the state tables say, apart from what may depend on the way there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from services.events import tables
from services.events.insights import store as insights
from services.events.live.state import read_states, write_states
from services.events.models import builds
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

_COMPARED: dict[str, set[str]] = {
    # A transaction has another number in another database, and is 0 on SQLite.
    "builds": {"xid"},
    "cursors": {"xid"},
    # Up to when silence is told: the moment of the last fold, which is not made again while no deadline comes.
    # When it will be: too early, to no effect, if a build that was swept away had a deadline then; see `wrong_alarms`.
    "customers": {"clock", "due_at"},
    "checkpoints": set(),
    "instances": set(),
    "steps": set(),
    "counters": set(),
    "counter_changes": set(),
    "identifiers": set(),
    "links": set(),
    "timeline": set(),
    "seen_messages": set(),
    "rejected_events": set(),
    "source_counts": set(),
    "source_names": set(),
    "models": set(),
    "published_personas": set(),
    "asked_names": set(),
    "occurrences": set(),
    "dirty": set(),
    "stuck": set(),
}
"""By table, columns that may differ. Not compared: `former_instances`, the ids that were given out on the way;
`build_progress`, how a build was filled; `projectors` and `leases`, who did it."""


async def contents(reality: Reality) -> dict[str, list[Json]]:
    """By table, all rows in the order of their keys."""
    async with reality.state.read(snapshot=True) as connection:
        kept = {build.number for build in await builds.active(connection, WORKSPACE)}
        found = {}
        for name, left_out in _COMPARED.items():
            table = tables.state_metadata.tables[name]
            rows = await connection.execute(select(table).order_by(*table.primary_key.columns))
            found[name] = [_row(row._mapping, left_out, kept) for row in rows]
    return found


def _row(columns: Any, left_out: set[str], kept: set[int]) -> Json:
    """A state keeps what it holds of a build that was swept away until its customer is folded next."""
    row = {name: value for name, value in columns.items() if name not in left_out}
    if isinstance(row.get("state"), bytes):
        states = read_states(row["state"])
        row["state"] = write_states({build: state for build, state in states.items() if build in kept})
    return row


async def strays(reality: Reality) -> list[Json]:
    """Rows of customers whom no identifier belongs to."""
    async with reality.state.read(snapshot=True) as connection:
        known = set((await connection.execute(select(tables.identifiers.c.customer).distinct())).scalars())
        found = []
        for table in (tables.customers, tables.instances, tables.steps, tables.checkpoints):
            owners = (await connection.execute(select(table.c.customer).distinct())).scalars()
            found += [{"table": table.name, "customer": owner.hex()} for owner in owners if owner not in known]
    return found


async def wrong_alarms(reality: Reality) -> list[Json]:
    """Customers who are not looked after when the first deadline of an instance comes."""
    async with reality.state.read(snapshot=True) as connection:
        kept = {build.number for build in await builds.active(connection, WORKSPACE)}
        first = func.min(tables.instances.c.due_at).label("first")
        dues = select(tables.instances.c.customer, first).group_by(tables.instances.c.customer)
        deadlines = {row.customer: row.first for row in await connection.execute(dues)}
        rows = (await connection.execute(select(tables.customers))).all()
    return [
        {"customer": row.customer.hex(), "due_at": row.due_at, "deadline": deadlines.get(row.customer)}
        for row in rows
        if not _is_in_time(row.due_at, deadlines.get(row.customer), exactly=read_states(row.state).keys() <= kept)
    ]


def _is_in_time(due_at: int | None, deadline: int | None, *, exactly: bool) -> bool:
    if exactly or due_at is None:
        return due_at == deadline
    return deadline is None or due_at <= deadline


async def counters_and_sums(reality: Reality) -> tuple[list[Json], list[Json]]:
    """All counters, and what the contributions of all instances and steps add up to."""
    async with reality.state.read(snapshot=True) as connection:
        counted = await insights.counted(connection, WORKSPACE)
        summed = await insights.summed(connection, WORKSPACE)
    return _listed(counted), _listed(summed)


def _listed(cells: dict[Any, bytes]) -> list[Json]:
    return [{"cell": tuple(cell), "body": body} for cell, body in sorted(cells.items())]
