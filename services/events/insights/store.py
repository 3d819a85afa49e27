"""The counters in SQL: one row per cell, to which differences are added."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import delete_rows, fitting, given, insert_rows
from services.events.insights.domain import Cell, Counts, Tally
from services.events.tables import counters

_KEY = ("workspace", *Cell._fields)
_Body = dict[str, msgspec.Raw]
"""Counts by name; what is not changed is not even decoded."""

_encode = msgspec.msgpack.Encoder().encode
_encode_body = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_body = msgspec.msgpack.Decoder(_Body).decode
_decode_numbers = msgspec.msgpack.Decoder(dict[int, int]).decode
decode_counts = msgspec.msgpack.Decoder(Counts).decode
"""What the body of a counter holds."""


async def apply(connection: AsyncConnection, workspace: str, tally: Tally) -> None:
    """Adds what was tallied to the counters.

    Equal sums are equal bytes: names and numbers are sorted, and nothing is kept of what has come to zero. There must
    be one writer at a time for each partition.
    """
    changes = tally.cells()
    held = await _bodies(connection, workspace, changes)
    bodies = ((cell, added(held.get(cell), change)) for cell, change in changes.items())
    rows = [(workspace, *cell, body) for cell, body in bodies if body is not None]
    await delete_rows(connection, counters, _KEY, [(workspace, *cell) for cell in held])
    await insert_rows(connection, counters, (*_KEY, "body"), rows)


def added(body: bytes | None, change: Mapping[str, Mapping[int, int]]) -> bytes | None:
    """The body of a cell after a change; None when nothing is left, as when there was none."""
    total: _Body = {} if body is None else _decode_body(body)
    for name, numbers in change.items():
        held = total.get(name)
        sums = {} if held is None else _decode_numbers(held)
        for number, count in numbers.items():
            sums[number] = sums.get(number, 0) + count
        left = {number: sums[number] for number in sorted(sums) if sums[number]}
        if left:
            total[name] = msgspec.Raw(_encode(left))
        else:
            total.pop(name, None)
    return _encode_body(total) if total else None


async def _bodies(connection: AsyncConnection, workspace: str, cells: Collection[Cell]) -> dict[Cell, bytes]:
    """The bodies of those cells that have one."""
    columns = {name: counters.c[name] for name in Cell._fields}
    found: dict[Cell, bytes] = {}
    for some in fitting(list(cells), len(columns)):
        asked = given(connection, "asked", columns, some)
        same = [counters.c[name] == asked.c[name] for name in columns]
        query = select(*columns.values(), counters.c.body).where(counters.c.workspace == workspace, *same)
        found |= {Cell(*row[:-1]): row[-1] for row in await connection.execute(query)}
    return found
