"""Published changes in SQL: one row for what one step of the fold publishes, read as the log is read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, ColumnElement, func, insert, literal, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.compression import compress, decompress
from infra.chassis.database import delete_rows
from infra.chassis.errors import BadRequest
from services.events.changes.position import START, ChangePlace
from services.events.intake.position import Place
from services.events.live.domain.changes import InstanceChange
from services.events.tables import instance_changes
from services.events.timeline.domain import Microseconds

KEPT: Microseconds = 86_400_000_000
"""For how long changes can be read at least."""
_PRUNED_ROWS = 1_000

_THIS_TRANSACTION: ColumnElement[int] = literal_column("pg_current_xact_id()::text::bigint")
_OLDEST_RUNNING: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_ORDER = (instance_changes.c.xid, instance_changes.c.seq)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[InstanceChange]).decode
_LEVEL = 1


class PublishedChange(NamedTuple):
    place: ChangePlace
    change: InstanceChange


async def append(
    connection: AsyncConnection, workspace: str, changes: Sequence[InstanceChange], now: Microseconds
) -> None:
    """Publishes the changes, in their order, with the commit of the transaction."""
    if not changes:
        return
    row = {
        "workspace": workspace,
        "xid": _THIS_TRANSACTION if connection.dialect.name == "postgresql" else 0,
        "written_at": now,
        "changes": len(changes),
        "body": compress(_encode(changes), _LEVEL),
    }
    await connection.execute(insert(instance_changes).values(row))


async def read_after(
    connection: AsyncConnection, workspace: str, after: ChangePlace | None, first: int
) -> list[PublishedChange]:
    """The next changes behind a place, or the oldest there are. Raises BadRequest (POSITION_TOO_OLD).

    The row of the place is read again: if it is there, so is everything behind it.
    """
    after = None if after == START else after
    passed = 0 if after is None else after.number + 1
    before = func.sum(instance_changes.c.changes).over(order_by=_ORDER) - instance_changes.c.changes
    query = select(*_ORDER, instance_changes.c.body, before.label("before")).where(_visible(connection, workspace))
    if after is not None:
        place = literal(after.xid, BigInteger), literal(after.seq, BigInteger)
        query = query.where(tuple_(*_ORDER) >= tuple_(*place))
    rows = query.order_by(*_ORDER).limit(passed + first).subquery()
    needed = select(rows).where(rows.c.before < passed + first).order_by(rows.c.xid, rows.c.seq)
    found = (await connection.execute(needed)).all()
    if after is not None and (not found or (found[0].xid, found[0].seq) != after[:2]):
        raise too_old()
    changes = (
        PublishedChange(ChangePlace(row.xid, row.seq, number), change)
        for row in found
        for number, change in enumerate(_decode(decompress(row.body)))
    )
    return list(islice(changes, passed, passed + first))


async def end(connection: AsyncConnection, workspace: str) -> ChangePlace | None:
    """The place of the last change that can be read; None if nothing was ever published."""
    query = select(*_ORDER, instance_changes.c.changes).where(_visible(connection, workspace))
    row = (await connection.execute(query.order_by(*(column.desc() for column in _ORDER)).limit(1))).first()
    return None if row is None else ChangePlace(row.xid, row.seq, row.changes - 1)


async def before(
    connection: AsyncConnection, workspace: str, place: Place, logged_at: Microseconds
) -> ChangePlace | None:
    """The last change that is kept of those published before a row of the log was written.

    One of a slower transaction may count as earlier. Whoever has read with the position of the row has waited for it.
    """
    earlier = instance_changes.c.written_at < logged_at
    if connection.dialect.name == "postgresql":  # here transactions tell, whatever the clocks of the machines say
        earlier = instance_changes.c.xid < place.xid
    query = select(*_ORDER, instance_changes.c.changes).where(instance_changes.c.workspace == workspace, earlier)
    row = (await connection.execute(query.order_by(*(column.desc() for column in _ORDER)).limit(1))).first()
    return None if row is None else ChangePlace(row.xid, row.seq, row.changes - 1)


async def prune(connection: AsyncConnection, workspace: str, before: Microseconds) -> int:
    """Deletes the next rows that were written before a moment, but never the last of all; how many these were.

    Rows go in the order in which they are read, so that there is never a gap.
    """
    query = select(*_ORDER, instance_changes.c.written_at).where(_visible(connection, workspace))
    rows = (await connection.execute(query.order_by(*_ORDER).limit(_PRUNED_ROWS + 1))).all()
    doomed = list(takewhile(lambda row: row.written_at < before, rows[:-1]))
    await delete_rows(connection, instance_changes, ("seq",), [(row.seq,) for row in doomed])
    return len(doomed)


def too_old() -> BadRequest:
    return BadRequest(
        "Changes behind this position are no longer kept. Read what you show anew, and go on from there.",
        code="POSITION_TOO_OLD",
    )


def _visible(connection: AsyncConnection, workspace: str) -> ColumnElement[bool]:
    """On PostgreSQL only rows below the oldest running transaction: a later one could still be joined by an earlier."""
    of_workspace = instance_changes.c.workspace == workspace
    if connection.dialect.name == "postgresql":
        return of_workspace & (instance_changes.c.xid < _OLDEST_RUNNING)
    return of_workspace
