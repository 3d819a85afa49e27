"""Hearing at once that something has happened, in another thread or another process.

A notice carries nothing and may be lost: whoever waits for one also looks for himself now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg

from infra.chassis.database import Database


class Bell:
    """Rung from any thread; heard by any number of tasks of one loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Safe to call from any thread, also while nobody listens."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed in between: nobody listens any more
                loop.call_soon_threadsafe(self._strike)

    def next(self) -> asyncio.Event:
        """What the next ring sets. Taken before looking, it misses nothing that happens meanwhile."""
        self._loop = asyncio.get_running_loop()
        return self._rung

    def _strike(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()


async def heard(rung: asyncio.Event, seconds: float) -> bool:
    """Waits for a ring, at most so long; whether there was one."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await rung.wait()
    return rung.is_set()


class Channel:
    """A channel of notices between the processes on one PostgreSQL server, over a connection of its own."""

    def __init__(self, database: Database, name: str, on_notice: Callable[[], None]) -> None:
        self._database = database
        self._name = name
        self._on_notice = on_notice
        self._connection: Any = None
        self._turn = asyncio.Lock()  # a connection does one thing at a time

    async def ensure(self) -> None:
        """Listens, again if the connection broke. Raises OSError or a PostgresError while the server is away."""
        async with self._turn:
            await self._connected()

    async def notify(self, name: str) -> None:
        """Rings on the channel of that name. Raises as `ensure` does."""
        async with self._turn:
            await (await self._connected()).execute("SELECT pg_notify($1, '')", name)

    async def close(self) -> None:
        async with self._turn:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await connection.close(timeout=1)

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = await asyncpg.connect(url, timeout=2, command_timeout=5)
            await self._connection.add_listener(self._name, lambda *_: self._on_notice())
        return self._connection
