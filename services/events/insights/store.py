"""The counters in SQL: one row per cell, and the changes that are still to be added to them.

Readers sum both. Whoever folds customers only appends what changed, because a few customers touch very many cells, and
no two of them wait for each other then.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

import msgspec
from sqlalchemy import FromClause, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among, delete_rows, given, insert_rows
from services.events.insights.contributions import tallied
from services.events.insights.domain import Cell, Counts, Part, Tally
from services.events.tables import counter_changes, counters

_KEY = ("workspace", *Cell._fields)

_encode = msgspec.msgpack.Encoder().encode
_encode_sorted = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_plain = msgspec.msgpack.Decoder(dict[str, int]).decode
_decode_gaps = msgspec.msgpack.Decoder(dict[str, dict[int, int]]).decode
_decode_raw_gaps = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode  # of edges that do not change no more is read
_decode_buckets = msgspec.msgpack.Decoder(dict[int, int]).decode
_decode_parts = msgspec.msgpack.Decoder(list[Part]).decode


class Sums(NamedTuple):
    """What is stored of a cell: the plain counts and the gaps. Equal sums are equal bytes."""

    body: bytes
    gaps: bytes


_MOST_CHANGES, _MOST_BYTES = 64, 1_000_000
"""Of changes that are added at once: whoever adds them up must be through before its lease ends."""

_NOTHING = Sums(_encode({}), _encode({}))


async def apply(connection: AsyncConnection, workspace: str, tally: Tally) -> None:
    """Adds what was tallied: as one row, which `settle` spreads over the counters later."""
    parts = list(tally.parts())
    if parts:
        await insert_rows(connection, counter_changes, ("workspace", "body"), [(workspace, _encode(parts))])


async def settle(
    connection: AsyncConnection,
    database: Database,
    workspace: str,
    at_least: int,
    only: Collection[int] | None = None,
) -> int:
    """Adds the oldest changes to the counters, if there are so many of them, or many bytes; how many it added.

    Each change would rewrite most of the cells that its neighbours rewrite. There must be one writer at a time. What is
    to be added to other builds than `only` is dropped: theirs are swept away. The sums are made in a thread, so that
    leases are renewed meanwhile.
    """
    numbers = await _oldest(connection, workspace, at_least)
    if not numbers:
        return 0
    query = select(counter_changes.c.body).where(among(connection, counter_changes.c.number, numbers))
    bodies = list((await connection.execute(query)).scalars())
    cells = await asyncio.to_thread(_cells, bodies, only)
    held = await _stored(connection, workspace, cells) if cells else {}
    after = await asyncio.to_thread(_added_each, held, cells)
    await _replace(connection, database, workspace, held.keys(), after)
    await delete_rows(connection, counter_changes, ("number",), [(number,) for number in numbers])
    return len(numbers)


async def _oldest(connection: AsyncConnection, workspace: str, at_least: int) -> list[int]:
    """The numbers of changes to be added at once."""
    size = func.length(counter_changes.c.body)
    query = select(counter_changes.c.number, size).where(counter_changes.c.workspace == workspace)
    rows = (await connection.execute(query.order_by(counter_changes.c.number).limit(_MOST_CHANGES))).all()
    sizes = list(accumulate(length for _number, length in rows))
    fitting = max(bisect_right(sizes, _MOST_BYTES), 1)
    return [number for number, _size in rows[:fitting]] if len(rows) >= at_least or fitting < len(rows) else []


def _cells(bodies: Iterable[bytes], only: Collection[int] | None) -> dict[Cell, Counts]:
    return _tally(bodies).cells(lambda cell: only is None or cell.build in only)


def _tally(bodies: Iterable[bytes]) -> Tally:
    tally = Tally()
    for body in bodies:
        for part in _decode_parts(body):
            tally.take(part)
    return tally


async def counted(connection: AsyncConnection, workspace: str) -> dict[Cell, Sums]:
    """All counters with all changes. The connection has to show one moment all the while."""
    columns = [counters.c[name] for name in Cell._fields]
    query = select(*columns, counters.c.body, counters.c.gaps).where(counters.c.workspace == workspace)
    found = {Cell(*key): Sums(body, gaps) for *key, body, gaps in await connection.execute(query)}
    for cell, change in (await changes(connection, workspace)).cells().items():
        sums = added(found.pop(cell, None), change)
        if sums is not None:
            found[cell] = sums
    return found


async def changes(connection: AsyncConnection, workspace: str) -> Tally:
    """What is still to be added to the counters."""
    query = select(counter_changes.c.body).where(counter_changes.c.workspace == workspace)
    return _tally((await connection.execute(query)).scalars())


def _added_each(held: Mapping[Cell, Sums], cells: Mapping[Cell, Counts]) -> dict[Cell, Sums | None]:
    return {cell: added(held.get(cell), change) for cell, change in cells.items()}


async def _replace(
    connection: AsyncConnection,
    database: Database,
    workspace: str,
    held: Collection[Cell],
    after: Mapping[Cell, Sums | None],
) -> None:
    """Writes cells as they are afterwards; `held` are those of which something is stored."""
    emptied = [(workspace, *cell) for cell, sums in after.items() if sums is None and cell in held]
    await delete_rows(connection, counters, _KEY, emptied)
    rows = [
        {"workspace": workspace, **cell._asdict(), **sums._asdict()} for cell, sums in after.items() if sums is not None
    ]
    if rows:
        insert = database.upsert(counters)
        changed = {"body": insert.excluded.body, "gaps": insert.excluded.gaps}
        await connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


async def summed(connection: AsyncConnection, workspace: str) -> dict[Cell, Sums]:
    """All counters as they ought to be: what the stored instances and steps add up to, read in portions.

    The connection has to show one moment all the while (see Database.read).
    """
    cells = (await tallied(connection, workspace)).cells()
    return {cell: sums for cell, counts in cells.items() if (sums := added(None, counts)) is not None}


def added(sums: Sums | None, change: Counts) -> Sums | None:
    """A cell after a change; None when nothing is left, as when there was none.

    Names and buckets are sorted, and nothing is kept of what has come to zero.
    """
    held = sums or _NOTHING
    plain = _decode_plain(held.body)
    for name, count in change.plain.items():
        plain[name] = plain.get(name, 0) + count
    if 0 in plain.values():
        plain = {name: count for name, count in plain.items() if count}
    after = Sums(_encode_sorted(plain), _added_gaps(held.gaps, change.gaps))
    return None if after == _NOTHING else after


def _added_gaps(held: bytes, change: Mapping[str, Mapping[int, int]]) -> bytes:
    if not change:
        return held
    gaps = _decode_raw_gaps(held)
    for name, buckets in change.items():
        total = _decode_buckets(gaps[name]) if name in gaps else {}
        for bucket, count in buckets.items():
            total[bucket] = total.get(bucket, 0) + count
        left = {bucket: total[bucket] for bucket in sorted(total) if total[bucket]}
        if left:
            gaps[name] = msgspec.Raw(_encode(left))
        else:
            gaps.pop(name, None)
    return _encode_sorted(gaps)


def counts_in(body: bytes, gaps: bytes | None = None) -> Counts:
    """What a cell says, of the gaps only if they are given."""
    return Counts(_decode_plain(body), {} if gaps is None else _decode_gaps(gaps))


async def _stored(connection: AsyncConnection, workspace: str, cells: Collection[Cell]) -> dict[Cell, Sums]:
    """Those cells of which something is stored."""
    columns = {name: counters.c[name] for name in Cell._fields}
    asked: FromClause
    if connection.dialect.name == "postgresql":
        asked = given(connection, "asked", columns, list(cells))
    else:  # One bound text: thousands of values take SQLAlchemy longer to compile than SQLite to look up.
        each = func.json_each(msgspec.json.encode(list(cells)).decode()).table_valued("value")
        parts = [func.json_extract(each.c.value, f"$[{place}]").label(name) for place, name in enumerate(columns)]
        asked = select(*parts).cte("asked").prefix_with("MATERIALIZED")  # else all counters would be looked through
    same = [counters.c[name] == asked.c[name] for name in columns]
    query = select(*columns.values(), counters.c.body, counters.c.gaps)
    found = await connection.execute(query.where(counters.c.workspace == workspace, *same))
    return {Cell(*key): Sums(body, gaps) for *key, body, gaps in found}
