"""What the stored instances and steps contribute, read in portions: the long way to what the counters hold."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among
from services.events.insights.domain import Tally
from services.events.live.domain.trail import BEFORE_START, Trail
from services.events.live.rows import InstanceRow, StepRow
from services.events.tables import instances, steps
from services.events.timeline.domain import first_key_at

_PORTION = 500
"""Instances, or steps, that are held at a time."""

_INSTANCE = tuple(instances.c[name] for name in InstanceRow._fields)
_STEP = tuple(steps.c[name] for name in StepRow._fields)
_ORDER = (instances.c.started_at, instances.c.instance, instances.c.customer, instances.c.build)


async def tallied(connection: AsyncConnection, workspace: str, conditions: Sequence[ColumnElement[bool]] = ()) -> Tally:
    """The sum over the instances that meet the conditions. The connection has to show one moment all the while."""
    tally = Tally()
    met = and_(instances.c.workspace == workspace, *conditions)
    page: list[InstanceRow] | None = None
    while page is None or len(page) == _PORTION:
        query = select(*_INSTANCE).where(met, *_beyond(page)).order_by(*_ORDER).limit(_PORTION)
        page = [InstanceRow(*row) for row in await connection.execute(query)]
        await _add(connection, workspace, tally, page)
    return tally


def _beyond(page: Sequence[InstanceRow] | None) -> list[ColumnElement[bool]]:
    """What comes behind a page."""
    if not page:
        return []
    last = page[-1]
    place = (literal(getattr(last, column.name), column.type) for column in _ORDER)
    return [tuple_(*_ORDER) > tuple_(*place)]


async def _add(connection: AsyncConnection, workspace: str, tally: Tally, page: Sequence[InstanceRow]) -> None:
    """Adds a page of instances, with their steps as they come: a run may have any number of them."""
    if not page:
        return
    for row in page:
        tally.instance(row, 1)
    rows = {(row.customer, row.build, row.instance): row for row in page}
    trails: dict[tuple[bytes, int, bytes], Trail] = {}
    query = (
        select(*_STEP)
        .where(
            steps.c.workspace == workspace,
            among(connection, steps.c.customer, {row.customer for row in page}),
            steps.c.build.in_({row.build for row in page}),
            steps.c.key >= min(row.start_key for row in page),
            steps.c.key < first_key_at(max(row.last_event_at for row in page) + 1),
        )
        .order_by(steps.c.customer, steps.c.build, steps.c.key)
    )
    async with connection.stream(query.execution_options(yield_per=_PORTION)) as found:
        async for some in found.partitions():
            portion: dict[tuple[bytes, int, bytes], list[StepRow]] = {}
            for step in (StepRow(*row) for row in some):
                portion.setdefault((step.customer, step.build, step.instance), []).append(step)
            for of, taken in portion.items():
                if of in rows:  # else of another page
                    trails[of] = tally.steps(rows[of], trails.get(of, BEFORE_START), taken, 1)
