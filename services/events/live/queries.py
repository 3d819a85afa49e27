"""Reading instances: by id, by customer, by filter, by the events they took; and their steps."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Text,
    and_,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    values,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among
from services.events.identity.domain import ProfileId
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.ranges import first_of_each
from services.events.tables import former_instances, identifiers, instances, steps
from services.events.timeline.domain import Microseconds, first_key_at, occurred_at_of
from services.events.timeline.entry import Entry
from services.events.visible import is_visible

Condition = ColumnElement[bool]

_INSTANCE_TAG, _STEP_TAG = b"i", b"s"
_PLACE = struct.Struct(">q16s")  # start, id: the order of every list of instances
_NEWEST_START_FIRST = (instances.c.started_at.desc(), instances.c.instance.desc())


class InstanceRow(NamedTuple):
    """An instance as it stands; see tables.instances and live.domain.Instance."""

    instance: bytes
    customer: ProfileId
    journey: str
    version: int
    key: str | None
    run: int
    status: str
    phase: str
    touchpoint: str | None
    started_at: Microseconds
    start_key: bytes  # history key of the event that started it
    last_event_at: Microseconds
    ended_at: Microseconds | None
    due_at: Microseconds | None
    drop_reason: str | None
    drop_phase: str | None
    drop_at: Microseconds | None
    drop_evidence: str | None


class DropOffKey(NamedTuple):
    """One way to drop off. `device` is that of the first step."""

    journey: str
    phase: str
    reason: str
    device: str | None


class StepRow(NamedTuple):
    instance: bytes
    journey: str
    version: int
    event_id: str
    occurred_at: Microseconds
    touchpoint: str | None
    phase: str
    direction: str
    channel: str | None
    device: str | None


_COLUMNS = tuple(instances.c[name] for name in InstanceRow._fields)
_SPAN = tuple(
    instances.c[name] for name in ("instance", "customer", "build", "journey", "version", "start_key", "last_event_at")
)


class InstanceQueries:
    """Reads the instances of all workspaces. Every method costs the same few queries, however much is asked.

    Methods with a cursor raise BadRequest (BAD_CURSOR).
    """

    def __init__(self, state: Database) -> None:
        self._state = state

    async def read(self, workspace: str, asked: Collection[bytes]) -> dict[bytes, InstanceRow]:
        async with self._state.read() as connection:
            found = await connection.execute(by_id(connection, workspace, asked, _COLUMNS))
            return {row.instance: InstanceRow(*row) for row in found}

    async def former(self, workspace: str, asked: Collection[bytes]) -> dict[bytes, tuple[str, str]]:
        """For ids of instances that are gone: their journey, and the event that had started their run."""
        columns = (former_instances.c.instance, former_instances.c.journey, former_instances.c.start_event)
        async with self._state.read() as connection:
            query = select(*columns).where(
                former_instances.c.workspace == workspace, among(connection, former_instances.c.instance, asked)
            )
            return {row.instance: (row.journey, row.start_event) for row in await connection.execute(query)}

    async def query(
        self, workspace: str, conditions: Sequence[Condition], first: int, after: str | None
    ) -> Page[InstanceRow]:
        """A page of the instances that meet the conditions, newest start first, and how many there are."""
        async with self._state.read() as connection:
            met = and_(*_visible(connection, workspace), *conditions)
            page = select(*_COLUMNS).where(met, *_beyond(after)).order_by(*_NEWEST_START_FIRST).limit(first + 1)
            rows = [InstanceRow(*row) for row in await connection.execute(page)]
            total = await connection.scalar(select(func.count()).select_from(instances).where(met))
        return _instance_page(rows, first, after, total or 0)

    async def oldest_first(
        self, workspace: str, conditions: Sequence[Condition], first: int, after: tuple[Microseconds, bytes] | None
    ) -> list[InstanceRow]:
        """The next instances that meet the conditions, oldest start first, behind a start and an id."""
        order = (instances.c.started_at, instances.c.instance)
        async with self._state.read() as connection:
            query = select(*_COLUMNS).where(*_visible(connection, workspace), *conditions)
            if after is not None:
                place = tuple_(literal(after[0], BigInteger), literal(after[1], LargeBinary))
                query = query.where(tuple_(*order) > place)
            return [InstanceRow(*row) for row in await connection.execute(query.order_by(*order).limit(first))]

    async def of_customers(
        self,
        workspace: str,
        customers: Collection[ProfileId],
        conditions: Sequence[Condition],
        first: int,
        after: str | None,
    ) -> dict[ProfileId, Page[InstanceRow]]:
        """Such a page for each customer."""
        async with self._state.read() as connection:
            of_them = among(connection, instances.c.customer, customers)
            met = and_(*_visible(connection, workspace), of_them, *conditions)
            groups = [(customer,) for customer in customers]
            pages = await _page_of_each(connection, [instances.c.customer], groups, met, first, after)
        return {customer: pages[customer,] for customer in customers}

    async def of_drop_offs(
        self,
        workspace: str,
        drop_offs: Collection[DropOffKey],
        conditions: Sequence[Condition],
        first: int,
        after: str | None,
    ) -> dict[DropOffKey, Page[InstanceRow]]:
        """Such a page for each way to drop off."""
        columns = [instances.c.journey, instances.c.drop_phase, instances.c.drop_reason, instances.c.device]
        ways = [and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in drop_offs]
        async with self._state.read() as connection:
            met = and_(*_visible(connection, workspace), or_(false(), *ways), *conditions)
            pages = await _page_of_each(connection, columns, drop_offs, met, first, after)
        return {key: pages[key] for key in drop_offs}

    async def of_events(
        self, workspace: str, events: Mapping[str, tuple[Entry, ProfileId]]
    ) -> dict[str, list[InstanceRow]]:
        """For each event, given with its customer, the instances that took it, newest start first."""
        found: dict[str, list[InstanceRow]] = {id: [] for id in events}
        if events:
            async with self._state.read() as connection:
                for row in await connection.execute(_taken_by(connection, workspace, events)):
                    found[row.event].append(InstanceRow(*row[1:]))
        return found

    async def steps(
        self, workspace: str, asked: Collection[bytes], first: int, after: str | None
    ) -> dict[bytes, Page[StepRow]]:
        """A page of the steps of each instance that exists, oldest first."""
        beyond = b"" if after is None else read_cursor(_STEP_TAG, after) + b"\x00"  # what comes right behind it
        async with self._state.read() as connection:
            rows = await connection.execute(by_id(connection, workspace, asked, _SPAN))
            known = {row.instance: row for row in rows}
            if not known:
                return {}
            spans = _spans(workspace, known.values(), beyond)
            found = await first_of_each(connection, known, spans, steps, limit=first + 1)
        return {
            id: page_of(
                [_step(known[id], row) for row in rows],
                [write_cursor(_STEP_TAG, row.key) for row in rows],
                first,
                after,
            )
            for id, rows in found.items()
        }

    async def open_runs(self, workspace: str, journey: str, versions: Collection[int]) -> int:
        """How many instances of these versions still take events, those in aftercare included."""
        async with self._state.read() as connection:
            count = (
                select(func.count())
                .select_from(instances)
                .where(
                    *_visible(connection, workspace),
                    instances.c.journey == journey,
                    instances.c.version.in_(versions),
                    instances.c.due_at.is_not(None),
                )
            )
            return await connection.scalar(count) or 0


def _instance_page(rows: list[InstanceRow], first: int, after: str | None, total: int) -> Page[InstanceRow]:
    cursors = [write_cursor(_INSTANCE_TAG, _PLACE.pack(row.started_at, row.instance)) for row in rows]
    return page_of(rows, cursors, first, after, total)


async def _page_of_each(
    connection: AsyncConnection,
    columns: Sequence[Column[Any]],
    groups: Iterable[tuple[Any, ...]],
    met: Condition,
    first: int,
    after: str | None,
) -> dict[tuple[Any, ...], Page[InstanceRow]]:
    """For each group, which has certain values in some columns, a page of the instances that meet the condition."""
    place = func.row_number().over(partition_by=columns, order_by=_NEWEST_START_FIRST)
    group = [column.label(f"group_{number}") for number, column in enumerate(columns)]
    placed = select(*_COLUMNS, *group, place.label("place")).where(met, *_beyond(after)).subquery()
    found: dict[tuple[Any, ...], list[InstanceRow]] = {tuple(key): [] for key in groups}
    for row in await connection.execute(select(placed).where(placed.c.place <= first + 1).order_by(placed.c.place)):
        found[tuple(row[len(_COLUMNS) : -1])].append(InstanceRow(*row[: len(_COLUMNS)]))
    counted = select(*columns, func.count()).where(met).group_by(*columns)
    totals = {tuple(row[:-1]): row[-1] for row in await connection.execute(counted)}
    return {key: _instance_page(rows, first, after, totals.get(key, 0)) for key, rows in found.items()}


def _beyond(after: str | None) -> list[Condition]:
    """What stands behind a cursor, newest start first."""
    if after is None:
        return []
    started_at, instance = _PLACE.unpack(read_cursor(_INSTANCE_TAG, after, [_PLACE.size]))
    place = tuple_(literal(started_at, BigInteger), literal(instance, LargeBinary))
    return [tuple_(instances.c.started_at, instances.c.instance) < place]


def _visible(connection: AsyncConnection, workspace: str) -> list[Condition]:
    return [instances.c.workspace == workspace, is_visible(connection, workspace, instances.c.build)]


def by_id(
    connection: AsyncConnection, workspace: str, asked: Collection[bytes], columns: Sequence[Column[Any]]
) -> Select[*tuple[Any, ...]]:
    """Instances by id, of rows with one id the one that counts last.

    While customers merge, a run may stand under one who is no customer any more and already under the survivor.
    """
    still_there = exists().where(
        identifiers.c.workspace == instances.c.workspace, identifiers.c.customer == instances.c.customer
    )
    met = and_(*_visible(connection, workspace), among(connection, instances.c.instance, asked))
    return select(*columns).where(met).order_by(still_there, instances.c.customer)


def _spans(workspace: str, found: Iterable[Row[*tuple[Any, ...]]], beyond: bytes) -> CTE:
    """Where the steps of instances stand: among those of their customer, from the first step to the time of the last.

    `beyond` is a history key where to begin, if the instance began before.
    """
    named = [column(name, steps.c[name].type) for name in ("workspace", "customer", "build", "instance")]
    owner, *bounds = (column(name, LargeBinary) for name in ("owner", "from_key", "to_key"))
    rows = [
        (
            workspace,
            row.customer,
            row.build,
            row.instance,
            row.instance,
            max(row.start_key, beyond),
            first_key_at(row.last_event_at + 1),
        )
        for row in found
    ]
    return values(*named, owner, *bounds, name="spans").data(rows).cte("spans")


def _taken_by(
    connection: AsyncConnection, workspace: str, events: Mapping[str, tuple[Entry, ProfileId]]
) -> Select[*tuple[Any, ...]]:
    """Joins each event with the steps that its customer made by it, and these with their instances.

    In this order whatever a planner believes: from the whole primary key of a step to that of its instance.
    """
    named = [column(name, steps.c[name].type) for name in ("workspace", "customer", "key", "seq", "slot")]
    rows = [(id, workspace, customer, entry.key, entry.seq, entry.slot) for id, (entry, customer) in events.items()]
    asked = values(column("event", Text), *named, name="asked").data(rows).cte("asked")
    step_of_it = and_(
        is_visible(connection, workspace, steps.c.build), *(steps.c[one.name] == asked.c[one.name] for one in named)
    )
    owner = ("workspace", "customer", "build", "instance")
    taken = select(asked.c.event, *(steps.c[name] for name in owner)).join_from(asked, steps, step_of_it)
    made = taken.cte("taken").prefix_with("MATERIALIZED")
    joined = made.join(instances, and_(*(instances.c[name] == made.c[name] for name in owner)))
    return select(made.c.event, *_COLUMNS).select_from(joined).order_by(made.c.event, *_NEWEST_START_FIRST)


def _step(instance: Row[*tuple[Any, ...]], row: Row[*tuple[Any, ...]]) -> StepRow:
    return StepRow(
        instance=instance.instance,
        journey=instance.journey,
        version=instance.version,
        event_id=f"{row.seq}-{row.slot}",
        occurred_at=occurred_at_of(row.key),
        touchpoint=row.touchpoint,
        phase=row.phase,
        direction=row.direction,
        channel=row.channel,
        device=row.device,
    )
