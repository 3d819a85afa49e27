"""Reading the events that could not be accepted, or that contradict an earlier one."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, literal, select, tuple_

from infra.chassis.database import Database
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.tables import rejected_events
from services.events.timeline.store import RejectedRow

_TAG = b"r"
_PLACE = struct.Struct(">qi")


_ID = re.compile(r"(\d{1,18})-(\d{1,9})", re.ASCII)
_COLUMNS = tuple(rejected_events.c[name] for name in RejectedRow._fields)
_ORDER = (rejected_events.c.seq, rejected_events.c.slot)


class RejectedQueries:
    def __init__(self, state: Database) -> None:
        self._state = state

    async def page(self, workspace: str, first: int, after: str | None, source: str | None) -> Page[RejectedRow]:
        """The rejected events, of one source if given, last logged first. Raises BadRequest (BAD_CURSOR)."""
        query = select(*_COLUMNS).where(rejected_events.c.workspace == workspace)
        if source is not None:
            query = query.where(rejected_events.c.source == source)
        if after is not None:
            seq, slot = _PLACE.unpack(read_cursor(_TAG, after, [_PLACE.size]))
            query = query.where(tuple_(*_ORDER) < tuple_(literal(seq, BigInteger), literal(slot, Integer)))
        query = query.order_by(*(column.desc() for column in _ORDER)).limit(first + 1)
        async with self._state.read() as connection:
            rows = [RejectedRow(*row) for row in await connection.execute(query)]
        cursors = [write_cursor(_TAG, _PLACE.pack(row.seq, row.slot)) for row in rows]
        return page_of(rows, cursors, first, after)

    async def by_ids(self, workspace: str, ids: Sequence[str]) -> list[RejectedRow | None]:
        """The rejected events of these ids, in their order; None for an id that nothing has."""
        places = {id: (int(match[1]), int(match[2])) for id in ids if (match := _ID.fullmatch(id))}
        query = select(*_COLUMNS).where(
            rejected_events.c.workspace == workspace, tuple_(*_ORDER).in_(list(places.values()))
        )
        async with self._state.read() as connection:
            rows = [RejectedRow(*row) for row in await connection.execute(query)]
        by_place = {(row.seq, row.slot): row for row in rows}
        return [by_place.get(places[id]) if id in places else None for id in ids]
