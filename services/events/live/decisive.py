"""Finding the steps that made instances what they are: a few of each, however many it took."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import CTE, FromClause, LargeBinary, Row, and_, column, literal_column, select, values
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, given
from services.events.live.domain import Status
from services.events.live.domain.standing import Former, Made, Standing
from services.events.live.queries import by_id
from services.events.ranges import Only, first_of_each
from services.events.tables import instances, steps
from services.events.timeline.domain import END, first_key_at

_NAMED = ("customer", "build", "instance", "journey", "version", "run", "key", "start_key", "start_event")
_FORMER = tuple(instances.c[name] for name in _NAMED)
_COLUMNS = tuple(
    instances.c[name]
    for name in (*_NAMED, "status", "last_event_at", "ended_at", "due_at", "drop_reason", "drop_evidence")
)
_OWNED = ("workspace", "customer", "build", "instance")


class _Span(NamedTuple):
    """Some steps of an instance: of those from one history key on and before another."""

    instance: Row[Any]
    start: bytes
    stop: bytes = END


class DecisiveQueries:
    """Reads the steps of all workspaces. Costs the same few queries, however much is asked."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def read(self, workspace: str, asked: Collection[bytes]) -> dict[bytes, Standing]:
        """Where each instance stands, by id; those that are not there are left out."""
        async with self._state.read(snapshot=True) as connection:
            rows = await connection.execute(by_id(connection, workspace, asked, _COLUMNS))
            known = {row.instance: row for row in rows}
            return await _Reading(connection, workspace).standings(known) if known else {}


class _Reading:
    """One reading, of one moment."""

    def __init__(self, connection: AsyncConnection, workspace: str) -> None:
        self._connection = connection
        self._workspace = workspace

    async def standings(self, known: Mapping[bytes, Row[Any]]) -> dict[bytes, Standing]:
        whole = {id: _Span(row, row.start_key, first_key_at(row.last_event_at + 1)) for id, row in known.items()}
        first = await self._step(whole)
        last = await self._step(whole, newest=True)
        off_map = {id: whole[id]._replace(stop=step.key) for id, step in last.items() if step.touchpoint is None}
        placed = last | await self._step(off_map, newest=True, only=lambda step: step.c.touchpoint.is_not(None))
        turned = last | await self._turned(whole, first, last)
        former = await self._former(known)
        return {
            id: _standing(row, first[id], placed[id], turned[id], last[id], former.get(id)) for id, row in known.items()
        }

    async def _turned(
        self, whole: Mapping[bytes, _Span], first: Mapping[bytes, Made], last: Mapping[bytes, Made]
    ) -> dict[bytes, Made]:
        """The steps since which instances have had the status that the last one left them with.

        Cancelled and returned ones are left out: it was the last one itself.
        """
        of_status = {status: {id: whole[id] for id in last if last[id].status == status} for status in Status}
        completed = {
            id: span._replace(start=first_key_at(span.instance.ended_at))
            for id, span in of_status[Status.COMPLETED].items()
        }
        turned = await self._step(completed, only=lambda step: step.c.status == Status.COMPLETED)
        # Of the two statuses that alternate, the latest step with the other one: pauses have an index.
        before = await self._step(of_status[Status.ACTIVE], newest=True, only=_paused)
        before |= await self._step(of_status[Status.PAUSED], newest=True, only=lambda s: s.c.status == Status.ACTIVE)
        behind = {id: whole[id]._replace(start=step.key + b"\x00") for id, step in before.items()}
        turned |= await self._step(behind)
        never = (of_status[Status.ACTIVE].keys() | of_status[Status.PAUSED].keys()) - before.keys()
        return turned | {id: first[id] for id in never}

    async def _former(self, known: Mapping[bytes, Row[Any]]) -> dict[bytes, Former]:
        """For each instance the run before it, as it stood when the instance began."""
        asked = [(row.instance, row.customer, row.build, row.start_key) for row in known.values() if row.run > 1]
        if not asked:
            return {}
        named = {"of": instances.c.instance} | {name: instances.c[name] for name in ("customer", "build", "start_key")}
        later = given(self._connection, "later", named, asked)
        inner = instances.alias("inner")
        of_customer = (inner.c[name] == later.c[name] for name in ("customer", "build"))
        start = (
            select(inner.c.start_key)
            .where(inner.c.workspace == self._workspace, *of_customer, inner.c.start_key < later.c.start_key)
            .order_by(inner.c.start_key.desc())
            .limit(1)
            .correlate(later)
            .scalar_subquery()
        )
        same = and_(
            instances.c.workspace == self._workspace,
            *(instances.c[name] == later.c[name] for name in ("customer", "build")),
            instances.c.start_key == start,
        )
        query = select(later.c.of, *_FORMER).select_from(later.join(instances, same))
        rows = {row.of: row for row in await self._connection.execute(query)}
        spans = {id: _Span(row, row.start_key, known[id].start_key) for id, row in rows.items()}
        last = await self._step(spans, newest=True)
        return {id: Former(row.run, row.version, row.key, row.start_event, last[id]) for id, row in rows.items()}

    async def _step(
        self, wanted: Mapping[bytes, _Span], *, newest: bool = False, only: Only | None = None
    ) -> dict[bytes, Made]:
        """The first or the newest step in each span, of those that meet `only`."""
        if not wanted:
            return {}
        found = await first_of_each(
            self._connection, wanted, self._spans(wanted), steps, limit=1, newest_first=newest, only=only
        )
        return {id: _made(row) for id, rows in found.items() for row in rows}

    def _spans(self, wanted: Mapping[bytes, _Span]) -> CTE:
        named = [column(name, steps.c[name].type) for name in _OWNED]
        bounds = [column(name, LargeBinary) for name in ("owner", "from_key", "to_key")]
        rows = [
            (self._workspace, one.customer, one.build, one.instance, id, start, stop)
            for id, (one, start, stop) in wanted.items()
        ]
        return values(*named, *bounds, name="spans").data(rows).cte("spans")


def _paused(step: FromClause) -> Any:
    """Written as the index on such steps has it: SQLite compares the text."""
    return step.c.status == literal_column("'PAUSED'")


def _made(row: Row[Any]) -> Made:
    return Made(f"{row.seq}-{row.slot}", row.key, row.touchpoint, row.phase, row.status)


def _standing(row: Row[Any], first: Made, placed: Made, turned: Made, last: Made, former: Former | None) -> Standing:
    return Standing(
        journey=row.journey,
        version=row.version,
        run=row.run,
        key=row.key,
        status=row.status,
        is_open=row.due_at is not None,
        reason=row.drop_reason,
        evidence=tuple((row.drop_evidence or "").split()),
        first=first,
        placed=placed,
        turned=turned,
        last=last,
        former=former,
    )
