"""How the projector hears that the log has grown: at once, and at the latest after a short while."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg

from infra.chassis.database import Database
from services.events.intake.store import NOTIFY_CHANNEL


class Wakeup:
    """Rung from any thread; waited for by one task."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Safe to call from any thread, also before anybody waits."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed in between: nobody waits any more
                loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, at_most: float) -> None:
        """Returns when rung since the last wait, or after `at_most` seconds."""
        if self._loop is None:  # whoever rang before now was not heard
            self._loop = asyncio.get_running_loop()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._rung.wait()
        self._rung.clear()


class LogListener:
    """Rings a wakeup whenever any process appends to the log on PostgreSQL."""

    def __init__(self, database: Database, wakeup: Wakeup) -> None:
        self._database = database
        self._wakeup = wakeup
        self._connection: Any = None

    async def ensure(self) -> None:
        """Listens, again if the connection broke. Raises OSError or a PostgresError while the server is away."""
        if self._connection is None or self._connection.is_closed():
            url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = await asyncpg.connect(url, timeout=2, command_timeout=5)
            await self._connection.add_listener(NOTIFY_CHANNEL, lambda *_: self._wakeup.ring())

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)
