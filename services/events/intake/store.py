"""The log in SQL: appending commit groups, and reading them without ever skipping a slower writer's row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Raw
from sqlalchemy import ColumnElement, and_, any_, func, literal_column, select, tuple_

from infra.chassis.database import Database, among, chunked
from infra.chassis.errors import NotFound
from services.events.intake.appending import NOTIFY_CHANNEL, PackedRow, appender
from services.events.intake.position import Place
from services.events.intake.slots import Slot, pack, size_of, unpack, unpack_raw, unpack_some
from services.events.log_tables import log, workspaces

__all__ = ["MOST_BYTES", "NOTIFY_CHANNEL", "Group", "LogRow", "LogStore"]

_OLDEST_RUNNING: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
MOST_BYTES = 32 << 20
"""Of what senders say, that whoever goes through the log holds at a time."""
_ROWS_AT_ONCE = 16


class Group(NamedTuple):
    """The slots of one workspace that are committed together; they become one row."""

    workspace: str
    slots: Sequence[Slot]


class LogRow(NamedTuple):
    place: Place
    logged_at: int
    slots: list[Slot]


class LogStore:
    """The append-only log of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._appender = appender(database)

    async def append(self, groups: Sequence[Group], logged_at: int) -> list[Place]:
        """Commits all groups at once; when this returns they are on disk. Raises Unavailable if they may not be."""
        rows = [PackedRow(group.workspace, logged_at, len(group.slots), pack(group.slots)) for group in groups]
        return await self._appender.append(rows)

    async def read_after(self, workspace: str, place: Place, slots: int, most_bytes: int = MOST_BYTES) -> list[LogRow]:
        """The next rows of a workspace, in the order of their places, until they hold so many slots or bytes, or more.

        On PostgreSQL only rows below the oldest running transaction: a later one could still be joined by an earlier.
        """
        order = (log.c.xid, log.c.seq)
        async with self._database.read() as connection:
            found = await connection.execute(
                select(*order, log.c.logged_at, log.c.body)
                .where(self._next(workspace, place, slots, most_bytes))
                .order_by(*order)
            )
            rows, held = [], 0
            for row in found:  # of what compresses well, far fewer than were found
                if held >= most_bytes:
                    break
                rows.append(LogRow(Place(row.xid, row.seq), row.logged_at, unpack(row.body)))
                held += sum(map(size_of, rows[-1].slots))
        return rows

    def _next(self, workspace: str, place: Place, slots: int, most_bytes: int) -> ColumnElement[bool]:
        """Which rows come next, as long as those before hold fewer slots, and fewer bytes as they are stored."""
        # Without their bodies: SQLite would copy those of all rows that it sums over.
        columns = log.c.xid, log.c.seq, log.c.slots, func.length(log.c.body).label("size")
        query = select(*columns).where(_behind(workspace, place)).order_by(log.c.xid, log.c.seq).limit(slots)
        if not self._database.is_sqlite:
            query = query.where(log.c.xid < _OLDEST_RUNNING)
        behind = query.subquery()
        order = (behind.c.xid, behind.c.seq)
        before = select(
            behind.c.seq,
            (func.sum(behind.c.slots).over(order_by=order) - behind.c.slots).label("slots"),
            (func.sum(behind.c.size).over(order_by=order) - behind.c.size).label("size"),
        ).subquery()
        seqs = select(before.c.seq).where(before.c.slots < slots, before.c.size < most_bytes)
        if self._database.is_sqlite:
            return log.c.seq.in_(seqs)
        # As an array: PostgreSQL would rather read the whole log for a join.
        return log.c.seq == any_(func.array(seqs.scalar_subquery()))

    async def read_rows(self, workspace: str, seqs: Iterable[int]) -> dict[int, list[Slot]]:
        """The slots of the rows asked for, as far as they exist in this workspace."""
        slots: dict[int, list[Slot]] = {}
        await self.visit_rows(workspace, seqs, slots.__setitem__)
        return slots

    async def visit_rows(self, workspace: str, seqs: Iterable[int], visit: Callable[[int, list[Slot]], object]) -> None:
        """Shows them one after the other, so that not all of them need to be held: a few events may be of many rows."""
        async with self._database.read() as connection:
            for some in chunked(sorted(set(seqs))):
                query = select(log.c.seq, log.c.body).where(log.c.workspace == workspace, log.c.seq.in_(some))
                if len(some) <= _ROWS_AT_ONCE:  # a stream takes more round trips
                    for row in await connection.execute(query):
                        visit(row.seq, unpack(row.body))
                    continue
                async with connection.stream(query.execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
                    async for row in rows:
                        visit(row.seq, unpack(row.body))

    async def read_raw(self, workspace: str, seqs: Iterable[int]) -> dict[int, list[Raw]]:
        """The same as they are stored, for whoever hands them on."""
        slots: dict[int, list[Raw]] = {}
        async with self._database.read() as connection:
            for some in chunked(sorted(set(seqs))):
                query = select(log.c.seq, log.c.body).where(log.c.workspace == workspace, log.c.seq.in_(some))
                slots |= {row.seq: unpack_raw(row.body) for row in await connection.execute(query)}
        return slots

    async def read_some(self, workspace: str, wanted: Mapping[int, Sequence[int]]) -> dict[tuple[int, int], Slot]:
        """Some slots of some rows, by row and slot, as far as they exist in this workspace."""
        slots: dict[tuple[int, int], Slot] = {}
        async with self._database.read() as connection:
            for some in chunked(sorted(wanted)):
                query = select(log.c.seq, log.c.body).where(log.c.workspace == workspace, log.c.seq.in_(some))
                for row in await connection.execute(query):
                    slots |= {(row.seq, index): slot for index, slot in unpack_some(row.body, wanted[row.seq]).items()}
        return slots

    async def logged_slots(self, workspace: str, after: Place) -> tuple[int, int | None, Place | None]:
        """Of what lies behind a place: how many slots, when the oldest was logged, and the last place."""
        behind = _behind(workspace, after)
        async with self._database.read() as connection:
            count, oldest = (
                await connection.execute(
                    select(func.coalesce(func.sum(log.c.slots), 0), func.min(log.c.logged_at)).where(behind)
                )
            ).one()
            last = (
                await connection.execute(
                    select(log.c.xid, log.c.seq).where(behind).order_by(log.c.xid.desc(), log.c.seq.desc()).limit(1)
                )
            ).first()
        return int(count), oldest, Place(*last) if last else None

    async def places(self, workspace: str, seqs: Iterable[int]) -> dict[int, Place]:
        """Where rows stand, as far as they exist in this workspace."""
        if self._database.is_sqlite:
            return {seq: Place(0, seq) for seq in seqs}
        found: dict[int, Place] = {}
        async with self._database.read() as connection:
            for some in chunked(sorted(set(seqs))):
                query = select(log.c.xid, log.c.seq).where(
                    log.c.workspace == workspace, among(connection, log.c.seq, some)
                )
                found |= {row.seq: Place(row.xid, row.seq) for row in await connection.execute(query)}
        return found

    async def logged_at(self, workspace: str, place: Place) -> int | None:
        """When a row was logged; None if there is no such row."""
        row = log.c.workspace == workspace, log.c.xid == place.xid, log.c.seq == place.seq
        async with self._database.read() as connection:
            logged_at: int | None = await connection.scalar(select(log.c.logged_at).where(*row))
        return logged_at

    async def workspaces(self) -> list[str]:
        async with self._database.read() as connection:
            return list((await connection.execute(select(workspaces.c.key).order_by(workspaces.c.key))).scalars())

    async def secret(self, workspace: str) -> bytes:
        """The key of the workspace's digests. Raises NotFound for a workspace nobody made."""
        async with self._database.read() as connection:
            secret: bytes | None = await connection.scalar(
                select(workspaces.c.secret).where(workspaces.c.key == workspace)
            )
        if secret is None:
            raise NotFound(f"There is no workspace {workspace!r}.")
        return secret


def _behind(workspace: str, place: Place) -> ColumnElement[bool]:
    """Compared as a row, so that both databases enter the index at the place."""
    return and_(log.c.workspace == workspace, tuple_(log.c.xid, log.c.seq) > place)
