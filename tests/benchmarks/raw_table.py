"""The yardstick: the same events by COPY into a plain table, the fastest durable way into PostgreSQL that there is.

Payloads are bytes, as they are in the log. The table has the columns and the two indexes that any store of events
needs: what a customer did in order, and each message once. Rows are made beforehand and travel 500 at a time, each COPY
a transaction.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from tests.benchmarks.workload import Call
from tests.support.databases import PostgresServer

_COLUMNS = ("workspace", "source", "message_id", "kind", "name", "customer", "occurred_at", "received_at", "payload")
_ROWS_A_COPY = 500
_TABLE = """
CREATE TABLE raw_events (
    workspace text NOT NULL, source text NOT NULL, message_id text NOT NULL, kind text NOT NULL, name text NOT NULL,
    customer text NOT NULL, occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, payload bytea NOT NULL
);
CREATE UNIQUE INDEX ON raw_events (message_id);
CREATE INDEX ON raw_events (customer, occurred_at);
"""


class RawTable:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def copy(self, calls: Sequence[Call]) -> float:
        """Events a second."""
        now = datetime.now(UTC)
        rows = [
            ("default", "website", call.message_id, "track", call.name, call.customer, call.occurred_at, now, call.body)
            for call in calls
        ]
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
