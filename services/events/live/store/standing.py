"""What is stored of customers that are about to be folded on: read in bulk, each in its own part of its history.

A *stretch* is such a part: behind the history key `start`, up to and with `stop`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, fitting, given
from services.events.live.domain.model import ALWAYS
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.tables import checkpoints, customers, instances, steps
from services.events.timeline.domain import Microseconds


class Stretch(NamedTuple):
    customer: bytes
    start: bytes
    stop: bytes


class BuildStretch(NamedTuple):
    customer: bytes
    build: int
    start: bytes
    stop: bytes


_STRETCH = {"customer": customers.c.customer, "start": checkpoints.c.key, "stop": checkpoints.c.key}
_BUILD = {"customer": instances.c.customer, "build": instances.c.build}
_BUILD_STRETCH = _BUILD | {"start": instances.c.start_key, "stop": instances.c.start_key}
_INSTANCE_COLUMNS = tuple(instances.c[name] for name in InstanceRow._fields)
_STEP_COLUMNS = tuple(steps.c[name] for name in StepRow._fields)


async def stored_customers(
    connection: AsyncConnection, workspace: str, asked: Collection[bytes]
) -> dict[bytes, CustomerRow]:
    found: dict[bytes, CustomerRow] = {}
    columns = [customers.c[name] for name in CustomerRow._fields]
    for some in chunked(list(asked)):
        query = select(*columns).where(
            customers.c.workspace == workspace, among(connection, customers.c.customer, some)
        )
        found |= {row.customer: CustomerRow(*row) for row in await connection.execute(query)}
    return found


async def checkpoint_before(
    connection: AsyncConnection, workspace: str, places: Mapping[bytes, bytes]
) -> dict[bytes, tuple[bytes, bytes]]:
    """For each customer, given with a history key, the last checkpoint before it: its key and its states."""
    found: dict[bytes, tuple[bytes, bytes]] = {}
    columns = {"customer": checkpoints.c.customer, "place": checkpoints.c.key}
    for some in fitting(list(places.items()), 2):
        asked = given(connection, "asked", columns, some)
        inner = checkpoints.alias("inner")
        last = (
            select(inner.c.key)
            .where(inner.c.workspace == workspace, inner.c.customer == asked.c.customer, inner.c.key < asked.c.place)
            .order_by(inner.c.key.desc())
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )
        same = and_(
            checkpoints.c.workspace == workspace,
            checkpoints.c.customer == asked.c.customer,
            checkpoints.c.key == last,
        )
        query = select(checkpoints.c.customer, checkpoints.c.key, checkpoints.c.state).select_from(
            asked.join(checkpoints, same)
        )
        found |= {row.customer: (row.key, row.state) for row in await connection.execute(query)}
    return found


async def checkpoint_at_or_behind(
    connection: AsyncConnection, workspace: str, places: Mapping[bytes, bytes], number: int
) -> dict[bytes, bytes]:
    """For each customer, given with a history key, the key of the `number`th checkpoint from there on."""
    found: dict[bytes, bytes] = {}
    columns = {"customer": checkpoints.c.customer, "place": checkpoints.c.key}
    for some in fitting(list(places.items()), 2):
        asked = given(connection, "asked", columns, some)
        of_customer = and_(checkpoints.c.workspace == workspace, checkpoints.c.customer == asked.c.customer)
        place = (
            select(checkpoints.c.key)
            .where(of_customer, checkpoints.c.key >= asked.c.place)
            .order_by(checkpoints.c.key)
            .offset(number - 1)
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )
        for row in await connection.execute(select(asked.c.customer, place.label("key"))):
            if row.key is not None:
                found[row.customer] = row.key
    return found


async def checkpoints_within(
    connection: AsyncConnection, workspace: str, stretches: Sequence[Stretch]
) -> dict[bytes, dict[bytes, bytes]]:
    """For each customer the states of its checkpoints in the stretch, by history key."""
    found: dict[bytes, dict[bytes, bytes]] = defaultdict(dict)
    for some in fitting(stretches, 3):
        asked = given(connection, "asked", _STRETCH, some)
        within = and_(
            checkpoints.c.workspace == workspace,
            checkpoints.c.customer == asked.c.customer,
            checkpoints.c.key > asked.c.start,
            checkpoints.c.key <= asked.c.stop,
        )
        query = select(checkpoints.c.customer, checkpoints.c.key, checkpoints.c.state)
        for row in await connection.execute(query.select_from(asked.join(checkpoints, within))):
            found[row.customer][row.key] = row.state
    return found


async def runs_until(
    connection: AsyncConnection, workspace: str, stretches: Sequence[BuildStretch]
) -> dict[tuple[bytes, int], int]:
    """For each customer and build the number of the last run that began up to the start of the stretch."""
    found: dict[tuple[bytes, int], int] = {}
    for some in fitting(stretches, 4):
        asked = given(connection, "asked", _BUILD_STRETCH, some)
        last = (
            select(instances.c.run)
            .where(_of_build(workspace, asked), instances.c.start_key <= asked.c.start)
            .order_by(instances.c.start_key.desc())
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )
        for row in await connection.execute(select(asked.c.customer, asked.c.build, last.label("run"))):
            if row.run is not None:
                found[row.customer, row.build] = row.run
    return found


async def instances_within(
    connection: AsyncConnection, workspace: str, stretches: Sequence[BuildStretch]
) -> list[InstanceRow]:
    """The instances that began in the stretch, or that an event of it ended after they had rested."""
    found: list[InstanceRow] = []
    for some in fitting(stretches, 4):
        asked = given(connection, "asked", _BUILD_STRETCH, some)
        began, ended = (
            and_(key > asked.c.start, key <= asked.c.stop) for key in (instances.c.start_key, instances.c.end_key)
        )
        # Each in its own index; together they would be looked for among all instances of the customer.
        for within in (began, and_(ended, instances.c.start_key <= asked.c.start)):
            met = and_(_of_build(workspace, asked), within)
            query = select(*_INSTANCE_COLUMNS).select_from(asked.join(instances, met))
            found += [InstanceRow(*row) for row in await connection.execute(query)]
    return found


async def instances_started_by(
    connection: AsyncConnection, workspace: str, starts: Sequence[tuple[bytes, int, bytes]]
) -> list[InstanceRow]:
    """The instances of (customer, build) whose runs began with the event of that history key."""
    found: list[InstanceRow] = []
    for some in fitting(starts, 3):
        asked = given(connection, "asked", _BUILD | {"start": instances.c.start_key}, some)
        same = and_(_of_build(workspace, asked), instances.c.start_key == asked.c.start)
        query = select(*_INSTANCE_COLUMNS).select_from(asked.join(instances, same))
        found += [InstanceRow(*row) for row in await connection.execute(query)]
    return found


async def instances_with_keys(
    connection: AsyncConnection, workspace: str, keys: Sequence[tuple[bytes, int, str]]
) -> list[InstanceRow]:
    """The instances of (customer, build) with that key."""
    found: list[InstanceRow] = []
    for some in fitting(keys, 3):
        asked = given(connection, "asked", _BUILD | {"key": instances.c.key}, some)
        same = and_(_of_build(workspace, asked), instances.c.key == asked.c.key)
        query = select(*_INSTANCE_COLUMNS).select_from(asked.join(instances, same))
        found += [InstanceRow(*row) for row in await connection.execute(query)]
    return found


async def instances_at_rest(
    connection: AsyncConnection, workspace: str, asked_for: Sequence[tuple[bytes, int, Microseconds]], number: int
) -> tuple[list[InstanceRow], dict[tuple[bytes, int], Microseconds]]:
    """Of each (customer, build), the `number` instances at rest whose last events before a moment are the latest.

    More if several had their last events when the first of them had. Where perhaps there are others, that moment.
    """
    found: list[InstanceRow] = []
    first_at: dict[tuple[bytes, int], Microseconds] = {}
    moment = instances.c.last_event_at
    for some in fitting(asked_for, 3):
        asked = given(connection, "asked", _BUILD | {"before": moment}, some)
        first = (
            select(moment)
            .where(_at_rest(workspace, asked), moment < asked.c.before)
            .order_by(moment.desc())
            .offset(number - 1)
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )
        query = select(asked.c.customer, asked.c.build, first.label("first_at"))
        first_at |= {
            (one.customer, one.build): one.first_at
            for one in await connection.execute(query)
            if one.first_at is not None
        }
    parts = [(*one, first_at.get((one[0], one[1]), ALWAYS)) for one in asked_for]
    for part in fitting(parts, 4):
        asked = given(connection, "asked", _BUILD | {"before": moment, "first_at": moment}, part)
        within = and_(_at_rest(workspace, asked), moment >= asked.c.first_at, moment < asked.c.before)
        wanted = select(*_INSTANCE_COLUMNS).select_from(asked.join(instances, within))
        found += [InstanceRow(*row) for row in await connection.execute(wanted)]
    return found, first_at


async def instances_ended_behind(
    connection: AsyncConnection, workspace: str, places: Sequence[tuple[bytes, int, bytes]]
) -> list[InstanceRow]:
    """The instances of (customer, build) that began up to a history key, and that a later event ended after rest."""
    found: list[InstanceRow] = []
    for some in fitting(places, 3):
        asked = given(connection, "asked", _BUILD | {"place": instances.c.end_key}, some)
        ended = and_(instances.c.end_key > asked.c.place, instances.c.start_key <= asked.c.place)
        query = select(*_INSTANCE_COLUMNS).select_from(asked.join(instances, and_(_of_build(workspace, asked), ended)))
        found += [InstanceRow(*row) for row in await connection.execute(query)]
    return found


async def steps_within(connection: AsyncConnection, workspace: str, stretches: Sequence[BuildStretch]) -> list[StepRow]:
    """The steps in the stretches, in history order within each."""
    found: list[StepRow] = []
    for some in fitting(stretches, 4):
        asked = given(connection, "asked", _BUILD_STRETCH, some)
        within = and_(
            steps.c.workspace == workspace,
            steps.c.customer == asked.c.customer,
            steps.c.build == asked.c.build,
            steps.c.key > asked.c.start,
            steps.c.key <= asked.c.stop,
        )
        query = select(*_STEP_COLUMNS).select_from(asked.join(steps, within))
        found += [StepRow(*row) for row in await connection.execute(query)]
    return sorted(found, key=lambda step: step.key)


def _of_build(workspace: str, asked: Any) -> Any:
    return and_(
        instances.c.workspace == workspace,
        instances.c.customer == asked.c.customer,
        instances.c.build == asked.c.build,
    )


def _at_rest(workspace: str, asked: Any) -> Any:
    """Written as the index on them has it."""
    return and_(_of_build(workspace, asked), instances.c.resting.is_not(None), instances.c.end_key.is_(None))
