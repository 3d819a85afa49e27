"""The events service without its front door: real stores, a log that takes what a test gives it, and the projector."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select

import services.events
from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events import log_tables
from services.events.intake.position import Place
from services.events.intake.slots import Published, PublishedPersona, Slot
from services.events.intake.store import Group, LogStore
from services.events.projector.progress import Progress
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from tests.support.recording import recorded
from tests.support.stored import projected_customers

Json = dict[str, Any]
WORKSPACE = "default"
_PROJECT_SECONDS = 30
MIGRATIONS = Path(services.events.__file__).parent / "migrations"


class Reality:
    """Open with `async with`; time stands where `now` says."""

    def __init__(self, database_url: str) -> None:
        sqlite = database_url.startswith("sqlite")
        self.log_database = Database(database_url.replace("test.db", "log.db") if sqlite else database_url)
        self.state = Database(database_url.replace("test.db", "state.db") if sqlite else database_url, durable=False)
        self.log = LogStore(self.log_database)
        self.progress = Progress(self.log, self.state)
        self.now = 0
        self.projector = self._new_projector()
        self._stack = AsyncExitStack()

    async def restart(self) -> None:
        """Ends the projector in peace and starts another, as a new process would."""
        await self.projector.close()
        self.projector = self._new_projector()
        await self.projector.renew()

    def _new_projector(self) -> Projector:
        return Projector(self.log_database, self.state, lambda: self.now, Wakeup())

    async def __aenter__(self) -> Reality:
        self._stack.push_async_callback(self.log_database.close)
        self._stack.push_async_callback(self.state.close)
        await upgrade(self.log_database, MIGRATIONS / "log")
        await upgrade(self.state, MIGRATIONS / "state")
        async with self.log_database.write() as connection:
            row = {"key": WORKSPACE, "name": "Default", "secret": b"s" * 16, "created_at": 0}
            await connection.execute(insert(log_tables.workspaces), row)
        await self.projector.renew()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.projector.close()
        await self._stack.aclose()

    async def append(self, slots: Sequence[Slot]) -> Place:
        return (await self.log.append([Group(WORKSPACE, list(slots))], self.now))[0]

    async def record(self, events: Sequence[Json]) -> Place:
        """Logs events as one row."""
        return await self.append([recorded(event) for event in events])

    async def publish(self, journeys: Sequence[Json]) -> Place:
        return await self.append(
            [Published(journey["key"], journey["version"], msgspec.json.encode(journey)) for journey in journeys]
        )

    async def publish_personas(self, personas: Sequence[Json]) -> Place:
        return await self.append(
            [PublishedPersona(one["key"], one["version"], msgspec.json.encode(one)) for one in personas]
        )

    async def project(self) -> None:
        """Until everything is visible. On PostgreSQL other tests' transactions may hold the end of the log back."""
        async with asyncio.timeout(_PROJECT_SECONDS):
            while True:
                while await self.projector.round():
                    pass
                if (await self.progress.status(WORKSPACE)).lag == 0:
                    return
                await asyncio.sleep(0.01)

    async def customers(self) -> list[Json]:
        """Customers in the oracle's form, each with its instances, in the order of their first event."""
        return await projected_customers(self.state)

    async def rows(self, table: Any) -> list[Any]:
        """All rows of a table, sorted."""
        async with self.state.read() as connection:
            return sorted(await connection.execute(select(table)), key=repr)
