"""The first stage alone: real stores, a log that takes what a test gives it, and nobody who folds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from sqlalchemy import insert, select

from infra.chassis.database import Database, delete_rows
from infra.chassis.migrations import upgrade
from services.events import log_tables, tables
from services.events.identity.domain import profile_id, strength
from services.events.intake.position import Place
from services.events.intake.slots import Published, Recorded, Slot
from services.events.intake.store import Group, LogStore
from services.events.models import builds
from services.events.models.builds import Build
from services.events.partitions import partition_of
from services.events.projector import dirty
from services.events.projector.dirty import Waiting
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases
from services.events.stores import LOG_MIGRATIONS, STATE_MIGRATIONS
from services.events.timeline.domain import history_key, occurred_at_of
from services.events.timeline.reader import EntryReader
from tests.support.histories import DAY, EPOCH

Json = dict[str, Any]
Identifier = tuple[str, str]

SECRET = b"s" * 16
_ids = itertools.count(1)


def said(day: float, *identifiers: Identifier, verified: bool = False) -> Recorded:
    """An event that names these identifiers. No two have the same message id."""
    at = EPOCH + int(day * DAY)
    return Recorded(
        source="shop",
        message_id=f"m{next(_ids)}",
        kind="track",
        name="View",
        channel=None,
        device=None,
        identifiers=tuple(sorted(identifiers, key=strength)),
        verified=verified,
        occurred_at=at,
        original_timestamp=at,
        sent_at=None,
        received_at=at,
        clamped=False,
        sequence=None,
        properties=b"{}",
        context=b"{}",
        traits=b"{}",
    )


def key_of(event: Recorded) -> bytes:
    return history_key(event.occurred_at, event.sequence, event.kind, event.source, event.message_id)


def customer_of(*identifier: str) -> bytes:
    """The id of the customer that this identifier's profile bears."""
    return profile_id(SECRET, identifier[0], identifier[1])


def version(number: int, effective_from: str | None = None, journey: str = "shop") -> Published:
    """A version of a journey that a view starts."""
    document = {
        "key": journey,
        "name": "Shop",
        "version": number,
        "effectiveFrom": effective_from,
        "publishedAt": "2026-01-01T00:00:00Z",
        "phases": [
            {
                "key": "look",
                "name": "Look",
                "touchpoints": [{"key": "viewed", "name": "Viewed", "recognisedBy": 'name == "View"'}],
            }
        ],
    }
    return Published(journey, number, msgspec.json.encode(document))


def _folded(workspace: str, customer: bytes, history: Sequence[bytes]) -> Json:
    return {
        "workspace": workspace,
        "customer": customer,
        "partition": partition_of(customer),
        "first_key": history[0],
        "last_key": history[-1],
        "first_event": "1-0",
        "first_seen_at": occurred_at_of(history[0]),
        "last_seen_at": occurred_at_of(history[-1]),
        "traits": b"",
        "state": b"",
        "clock": 0,
        "due_at": None,
    }


class FirstStage:
    """Open with `async with`; time stands where `now` says. Each workspace has a log of its own."""

    def __init__(self, database_url: str, workspaces: Sequence[str] = ("default",)) -> None:
        sqlite = database_url.startswith("sqlite")
        self.log_database = Database(database_url.replace("test.db", "log.db") if sqlite else database_url)
        self.state = Database(database_url.replace("test.db", "state.db") if sqlite else database_url, durable=False)
        self.log = LogStore(self.log_database)
        self.now = EPOCH
        self._workspaces = workspaces
        self._leases = Leases(self.state, "test", lambda: self.now, exclusive=True)
        self._identify = Identify(self.log, self.state, EntryReader(self.log), self._leases)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> FirstStage:
        for database, migrations in ((self.log_database, LOG_MIGRATIONS), (self.state, STATE_MIGRATIONS)):
            self._stack.push_async_callback(database.close)
            await upgrade(database, migrations)
        rows = [{"key": key, "name": key, "secret": SECRET, "created_at": 0} for key in self._workspaces]
        async with self.log_database.write() as connection:
            await connection.execute(insert(log_tables.workspaces), rows)
        await self._leases.renew([f"identify/{key}" for key in self._workspaces])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def take(self, *slots: Slot, workspace: str = "default") -> Place:
        """Logs a row and applies it; on PostgreSQL nobody else may write meanwhile. Its place."""
        [place] = await self.log.append([Group(workspace, slots)], self.now)
        while not await self._identify.step(workspace):
            pass  # on PostgreSQL a transaction of another test may still hold back the end of the log
        return place

    async def marks(self, workspace: str = "default") -> dict[bytes, Waiting]:
        async with self.state.read() as connection:
            return await dirty.waiting(connection, workspace, range(dirty.PARTITIONS), 10_000)

    async def clear(self, workspace: str = "default") -> None:
        """As if all that is marked were folded."""
        waiting = await self.marks(workspace)
        histories = await self.histories(workspace)
        rows = [_folded(workspace, customer, histories[customer]) for customer in waiting if customer in histories]
        async with self.state.write() as connection:
            await delete_rows(
                connection, tables.customers, ("workspace", "customer"), [(workspace, one) for one in waiting]
            )
            if rows:
                await connection.execute(insert(tables.customers), rows)
            await dirty.clear(connection, workspace, waiting)

    async def histories(self, workspace: str = "default") -> dict[bytes, list[bytes]]:
        """The history keys of each customer, in order."""
        of_customer = (tables.timeline.c.workspace == tables.identifiers.c.workspace) & (
            tables.timeline.c.profile == tables.identifiers.c.profile
        )
        query = select(tables.identifiers.c.customer, tables.timeline.c.key).join_from(
            tables.identifiers, tables.timeline, of_customer
        )
        found: dict[bytes, list[bytes]] = {}
        async with self.state.read() as connection:
            for customer, key in await connection.execute(query.where(tables.timeline.c.workspace == workspace)):
                found.setdefault(customer, []).append(key)
        return {customer: sorted(keys) for customer, keys in found.items()}

    async def builds(self) -> list[Build]:
        async with self.state.read() as connection:
            return await builds.active(connection, "default")

    async def finish(self, build: int) -> None:
        """As if all customers were folded under a build."""
        async with self.state.write() as connection:
            for part in await builds.progress(connection, "default", range(dirty.PARTITIONS)):
                if part.build == build:
                    await builds.advance(connection, "default", build, part.partition, b"", 0, True)

    async def rows(self, table: Any) -> list[Any]:
        """All rows of a table, sorted."""
        async with self.state.read() as connection:
            return sorted(await connection.execute(select(table)), key=repr)
