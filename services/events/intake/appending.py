"""Appending rows to the log with the raw drivers: one statement and one flush a commit.

Through SQLAlchemy a commit cost 770 µs of CPU on PostgreSQL, this way 75 (one row of 100 events, pack not counted).
A connection of its own is held as long as the database is open, and opened again after a failure.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import asyncpg
from sqlalchemy import event

from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from services.events.intake.position import Place

NOTIFY_CHANNEL = "klantreis_log"
_SECONDS = 10
_CONNECT_SECONDS = 2

_POSTGRESQL = f"""
WITH appended AS (
    INSERT INTO log (xid, workspace, logged_at, slots, body)
    SELECT pg_current_xact_id()::text::bigint, workspace, logged_at, slots, body
    FROM unnest($1::text[], $2::bigint[], $3::int[], $4::bytea[])
        WITH ORDINALITY AS given(workspace, logged_at, slots, body, number)
    ORDER BY number
    RETURNING xid, seq
)
SELECT xid, seq, pg_notify('{NOTIFY_CHANNEL}', '') FROM appended ORDER BY seq
"""
_SQLITE = "INSERT INTO log (xid, workspace, logged_at, slots, body) VALUES (0, ?, ?, ?, ?)"

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class PackedRow(NamedTuple):
    workspace: str
    logged_at: int
    slots: int
    body: bytes


class Appender(Protocol):
    async def append(self, rows: Sequence[PackedRow]) -> list[Place]:
        """Commits all rows together; gives their places in the same order. Raises Unavailable if it may have failed."""
        ...


def appender(database: Database) -> Appender:
    return _SqliteAppender(database) if database.is_sqlite else _PostgresqlAppender(database)


class _PostgresqlAppender:
    def __init__(self, database: Database) -> None:
        self._url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None
        self._statement: Any = None
        self._turn = asyncio.Lock()
        event.listen(database.engine.sync_engine, "engine_disposed", lambda _engine: self._drop())

    async def append(self, rows: Sequence[PackedRow]) -> list[Place]:
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                appended = await self._statement.fetch(*zip(*rows, strict=True))
            except _AWAY as error:
                self._drop()
                raise Unavailable("The log cannot be written now; try again.") from error
        return [Place(row["xid"], row["seq"]) for row in appended]

    async def _connect(self) -> None:
        self._connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS, command_timeout=_SECONDS)
        self._statement = await self._connection.prepare(_POSTGRESQL)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = self._statement = None


class _SqliteAppender:
    """Works in one thread, because SQLite waits for the disk inside the call."""

    def __init__(self, database: Database) -> None:
        self._path = str(database.url.database)
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "log writer")
        event.listen(database.engine.sync_engine, "engine_disposed", lambda _engine: self._close())

    async def append(self, rows: Sequence[PackedRow]) -> list[Place]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._append, rows)

    def _append(self, rows: Sequence[PackedRow]) -> list[Place]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                places = [Place(0, int(connection.execute(_SQLITE, row).lastrowid or 0)) for row in rows]
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise Unavailable("The log cannot be written now; try again.") from error
        return places

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledgement means: on disk
        return connection

    def _close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
