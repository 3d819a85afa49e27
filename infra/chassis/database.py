"""One database of one service, SQLite or PostgreSQL, seen by the rest of the house as SQLAlchemy.

A read and a write are different calls: `read()` never commits, `write()` commits once at its end or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Column, ColumnElement, FromClause, MetaData, Table, any_, bindparam, event, func, values
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from infra.chassis.data_folder import make_folder
from infra.chassis.errors import Unavailable

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
_STATEMENT_SECONDS = 10
_SILENCE_SECONDS = 10
"""A transaction of which nothing is heard for so long is rolled back: a process that stands still would hold up all
readers of the log, which never read past a running transaction."""
_AWAY_STATES = ("08", "53", "57", "58", "25006", "25P03")
"""SQLSTATEs: connection, resources, operator, system; a primary that became a standby; silence in a transaction."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNUSABLE = (
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
)
# With WAL readers never wait for the writer.
_DURABLE = ("journal_mode = WAL", "synchronous = FULL")
_ORDERED = ("journal_mode = WAL", "synchronous = NORMAL")
_DRAFT = ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -262144")  # 256 MB
_T = TypeVar("_T")
Rows = Sequence[tuple[Any, ...]]
_SQLITE_VARIABLES = 30_000  # below SQLITE_MAX_VARIABLE_NUMBER (32,766)


def new_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


class Database:
    """A pool of connections. If it is `durable`, every commit waits for the disk.

    Otherwise a crash of the machine may take the last commits with it, but never an earlier one before a later one.
    A `draft` is thrown away unless it is finished: nothing waits for the disk. There, or if it is `unhurried`, a
    statement may take its time.
    With a `schema`, which SQLite does not have, the tables are there and nowhere else. `remedy` says what an operator
    can do about a file that is damaged. Raises FolderUnusable where no file can be.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        durable: bool = True,
        pool_size: int = 5,
        draft: bool = False,
        unhurried: bool = False,
        schema: str | None = None,
        remedy: str = "put a copy from a backup in its place",
    ) -> None:
        self._remedy = remedy
        self._draft = draft
        self._schema = schema
        self.url = _async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5}
        if self.is_sqlite:
            if self.url.database:
                make_folder(Path(self.url.database).parent)
            options["connect_args"] = {"timeout": _STATEMENT_SECONDS}
        else:
            options |= {"pool_pre_ping": True, "pool_timeout": 2}
            options["connect_args"] = {
                "timeout": 2,
                "command_timeout": None if draft or unhurried else _STATEMENT_SECONDS,
                "server_settings": {
                    "idle_in_transaction_session_timeout": f"{_SILENCE_SECONDS}s",
                    "synchronous_commit": "on" if durable and not draft else "off",
                }
                | ({"search_path": schema} if schema else {}),
            }
        self.engine = create_async_engine(self.url, hide_parameters=True, **options)  # they are personal data
        if self.is_sqlite:
            _prepare_sqlite(self.engine.sync_engine, _DRAFT if draft else _DURABLE if durable else _ORDERED)

    def __repr__(self) -> str:
        return f"<Database {self.url.render_as_string(hide_password=True)}>"

    @asynccontextmanager
    async def read(self, *, snapshot: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection for plain reads; whatever it does is rolled back. With `snapshot` they all see one moment."""
        async with self._said_clearly(), self.engine.connect() as connection:
            if snapshot and not self.is_sqlite:  # there a transaction is a snapshot anyway
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def write(self, *, snapshot: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end. With `snapshot` all its reads see one moment (REPEATABLE READ)."""
        async with self._said_clearly(), self.engine.connect() as connection:
            if self.is_sqlite:
                await connection.execution_options(sqlite_write=True)
            elif snapshot:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                yield connection

    async def probe(self) -> None:
        """Raises Unavailable, or what else there is to say, if nothing can be read now."""
        async with self.read() as connection:  # SQLite looks into its file for this, as it does not for SELECT 1
            await connection.exec_driver_sql("PRAGMA schema_version" if self.is_sqlite else "SELECT 1")

    def unhurried(self) -> Database:
        """The same database for work that may take minutes, such as migrations; to be closed by itself."""
        return Database(self.url, draft=self._draft, unhurried=True, schema=self._schema, remedy=self._remedy)

    def upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT of this dialect that offers `on_conflict_do_update` and `on_conflict_do_nothing`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def _said_clearly(self) -> AsyncIterator[None]:
        """A database that is away becomes Unavailable, so that a client hears 503 and Retry-After instead of a 500."""
        try:
            yield
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.Error):
                self._say_what_is_wrong(error.orig)
            if isinstance(error, OperationalError | InterfaceError):
                raise Unavailable("The database is not answering; try again.") from error
            if error.connection_invalidated or _says_away(error.orig):
                raise Unavailable("The database closed the connection; try again.") from error
            raise
        except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unavailable("The database is not answering; try again.") from error
        except asyncpg.PostgresError as error:  # from the raw driver, see insert_rows
            if _says_away(error):
                raise Unavailable("The database closed the connection; try again.") from error
            raise

    def _say_what_is_wrong(self, error: sqlite3.Error) -> None:
        """Raises Unavailable where trying again will not help, but the operator can. Clients learn the file's name."""
        full_code: int | None = getattr(error, "sqlite_errorcode", None)
        if full_code is None:
            return  # of the Python module, which was used wrongly; SQLite never heard of it
        code, name = full_code & 0xFF, Path(str(self.url.database)).name
        if code in _DAMAGED:
            raise Unavailable(f"{name} is damaged or is not a database: stop klantreis and {self._remedy}.") from error
        if code in _UNUSABLE:
            raise Unavailable(
                f"{name} cannot be read or written ({error.sqlite_errorname}): see to its permissions and to the space"
                " on its disk."
            ) from error


async def insert_rows(
    connection: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Appends many rows by the fastest way of the driver: COPY on PostgreSQL, executemany on SQLite."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        if not driver.is_in_transaction():  # SQLAlchemy's dialect begins at its own first statement, not at ours
            await connection.exec_driver_sql("SELECT 1")
        await driver.copy_records_to_table(table.name, records=rows, columns=columns)
    else:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        await connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))


def given(connection: AsyncConnection, name: str, columns: Mapping[str, Column[Any]], rows: Rows) -> FromClause:
    """`rows` as something to select from and join with; `columns` names their values and lends them types.

    On PostgreSQL one array a column is bound: thousands of separate values are slow to plan. On SQLite there may be as
    many rows as `fitting` says.
    """
    described = [sql_column(key, column.type) for key, column in columns.items()]
    if connection.dialect.name == "postgresql":
        arrays = [
            bindparam(None, list(some), type_=postgresql.ARRAY(column.type), unique=True)
            for column, some in zip(columns.values(), zip(*rows, strict=True), strict=True)
        ]
        return func.unnest(*arrays).table_valued(*described, name=name).render_derived()
    return values(*described, name=name).data(list(rows)).cte(name)


async def delete_rows(connection: AsyncConnection, table: Table, names: Sequence[str], rows: Rows) -> None:
    """Deletes the rows of `table` whose columns `names` have one of these combinations of values."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        doomed = given(connection, "doomed", {name: table.c[name] for name in names}, rows)
        await connection.execute(table.delete().where(*(table.c[name] == doomed.c[name] for name in names)))
    else:
        where = " AND ".join(f"{name} = ?" for name in names)
        await connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE {where}", list(rows))


def fitting(rows: Sequence[_T], columns: int) -> list[Sequence[_T]]:
    """Pieces small enough to be bound as rows of so many columns (see `given`)."""
    return chunked(rows, _SQLITE_VARIABLES // columns)


def among(connection: AsyncConnection, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values`, bound as one array on PostgreSQL: thousands of separate values are slow to plan there."""
    if connection.dialect.name == "postgresql":
        bound = bindparam(None, list(values), type_=postgresql.ARRAY(column.type), unique=True)
        return column == any_(bound)
    return column.in_(values)


def chunked(values: Sequence[_T], size: int = _SQLITE_VARIABLES) -> list[Sequence[_T]]:
    """Pieces small enough to be bound as the values of one IN clause."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def _async_url(url: str | URL) -> URL:
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.split("+")[0]
    if backend not in drivers:
        raise ValueError(f"{backend!r} is not a database Klantreis knows: use sqlite:///path or postgresql://...")
    return parsed.set(drivername=drivers[backend])


def _prepare_sqlite(engine: Engine, pragmas: Sequence[str]) -> None:
    """Transactions begun by us, because the driver begins them late."""

    @event.listens_for(engine, "do_connect")
    def open_once(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
        """A file that cannot be opened says so here: the driver's thread would speak to its loop once more, later."""
        sqlite3.connect(arguments[0]).close()

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*pragmas, "foreign_keys = ON", "secure_delete = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("sqlite_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _says_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL itself says that it starts, stops, is overloaded or has given up on this connection."""
    return str(getattr(error, "sqlstate", "")).startswith(_AWAY_STATES)
