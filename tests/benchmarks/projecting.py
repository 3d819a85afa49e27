"""The projector's stages over a log that is filled by hand, in this process, so that each can be measured alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from pydantic import SecretStr
from sqlalchemy import insert

from infra.chassis.clock import system_clock
from services.events.intake.slots import Published, Slot
from services.events.intake.store import Group, LogStore
from services.events.log_tables import workspaces
from services.events.models.queries import Models
from services.events.projector.fold import Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases, lease_names
from services.events.projector.settling import Settling
from services.events.projector.slow import SlowLane
from services.events.settings import Settings
from services.events.stores import Stores
from services.events.timeline.reader import EntryReader
from tests.benchmarks.histories import BEGIN, journeys

WORKSPACE = "default"
_LEASES = lease_names([WORKSPACE])
_ROWS_AT_ONCE = 200

NewLanes = Callable[..., Lanes]


class Projecting:
    """Silence is told up to each customer's last event: the clock stands before all of them."""

    def __init__(self, stores: Stores, new_lanes: NewLanes, cached_bytes: int) -> None:
        self.state = stores.state
        self.leases = Leases(stores.state, "benchmark", system_clock, exclusive=stores.state.is_sqlite)
        self.log = LogStore(stores.log)
        reader = EntryReader(self.log, cached_bytes)
        self.lanes = new_lanes(self.log, stores.state, reader, Models(stores.state), self.leases, lambda: BEGIN)
        self.identify = Identify(self.log, stores.state, reader, self.leases)
        self.fold = Fold(self.lanes)
        self.slow = SlowLane(self.lanes)
        self.settling = Settling(self.lanes)

    async def append(self, rows: Sequence[Sequence[Slot]]) -> None:
        """Logs rows, many with one commit."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            groups = [Group(WORKSPACE, row) for row in rows[start : start + _ROWS_AT_ONCE]]
            await self.log.append(groups, BEGIN)

    async def publish(self) -> None:
        await self.append(
            [[Published(one["key"], one["version"], msgspec.json.encode(one)) for one in journeys()]],
        )

    async def identify_all(self) -> None:
        await self.leases.renew(_LEASES)
        while await self.identify.step(WORKSPACE):
            await self.leases.renew(_LEASES)

    async def fold_all(self) -> None:
        await self.leases.renew(_LEASES)
        while await self.fold.step(WORKSPACE) or await self.slow.step():
            await self.leases.renew(_LEASES)

    async def settle_all(self) -> None:
        await self.leases.renew(_LEASES)
        while await self.settling.finish(WORKSPACE):
            pass


@asynccontextmanager
async def projecting(
    folder: Path, url: str | None, new_lanes: NewLanes = Lanes, cached_bytes: int = 50_000_000
) -> AsyncIterator[Projecting]:
    """On SQLite, unless the URL of an empty PostgreSQL database is given; with the three journeys published.

    So many events that were read lately are kept decoded, as the projector keeps them.
    """
    stores = Stores(Settings(data=folder, events_database_url=url, signing_key=SecretStr("x" * 32)))
    async with stores.opened():
        async with stores.log.write() as connection:
            row = {"key": WORKSPACE, "name": "Default", "secret": b"s" * 16, "created_at": 0}
            await connection.execute(insert(workspaces), row)
        stages = Projecting(stores, new_lanes, cached_bytes)
        await stages.publish()
        await stages.identify_all()
        await stages.fold_all()
        yield stages
        await stages.leases.release()
