"""The yardstick: the same events by COPY into a plain table, the fastest durable way into PostgreSQL that there is.

Payloads are bytes, as they are in the log; the table has the two indexes that any store of events needs. Rows are made
beforehand and travel 500 at a time, each COPY a transaction.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.benchmarks.workload import Call
from tests.support.databases import PostgresServer

_COLUMNS = ("message_id", "customer", "occurred_at", "payload")
_ROWS_A_COPY = 500
_TABLE = """
CREATE TABLE raw_events (message_id text NOT NULL, customer text NOT NULL, occurred_at bigint NOT NULL, payload bytea);
CREATE UNIQUE INDEX ON raw_events (message_id);
CREATE INDEX ON raw_events (customer, occurred_at);
"""


class RawTable:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def copy(self, calls: Sequence[Call]) -> float:
        """Events a second."""
        rows = [(call.message_id, call.customer, call.occurred_at, call.body) for call in calls]
        pieces = [rows[start : start + _ROWS_A_COPY] for start in range(0, len(rows), _ROWS_A_COPY)]
        start = time.perf_counter()
        for piece in pieces:
            await self._connection.copy_records_to_table("raw_events", records=piece, columns=_COLUMNS)
        return len(calls) / (time.perf_counter() - start)


@asynccontextmanager
async def raw_table(server: PostgresServer, database: str) -> AsyncIterator[RawTable]:
    connection = await asyncpg.connect(server.create_database(database))
    try:
        await connection.execute(_TABLE)
        yield RawTable(connection)
    finally:
        await connection.close()
