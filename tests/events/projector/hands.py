"""The projector's stages and lanes, taken one by one, as another release of the product might have built them."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events import tables
from services.events.identity.domain import profile_id
from services.events.insights import store as insights_store
from services.events.intake.position import START
from services.events.live.domain import JourneyVersion, Schedule
from services.events.live.domain.recognise import Recogniser, Recognition
from services.events.models.builds import Build
from services.events.models.queries import Models
from services.events.projector import dirty
from services.events.projector.catching_up import CatchingUp
from services.events.projector.dirty import PARTITIONS, Waiting
from services.events.projector.fold import STEP_ERRORS, Fold, Lanes
from services.events.projector.identify import Identify
from services.events.projector.leases import Leases, lease_names
from services.events.projector.settling import Settling
from services.events.projector.slow import SlowLane
from services.events.timeline.domain import Event
from services.events.timeline.reader import EntryReader
from tests.oracle import identity as identity_oracle
from tests.oracle import journey as journey_oracle
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

Touch = Callable[[Event, int], None]
"""Called with each event that belongs to a journey and the number of a version of it, before anything is made of it."""

_LEASES = lease_names([WORKSPACE])
_PATIENCE_SECONDS = 120


def customer_of(*identifier: str) -> bytes:
    """The id of the customer that this identifier's profile bears."""
    return profile_id(b"s" * 16, identifier[0], identifier[1])


class Gate:
    """Holds up the fold at certain events until it is opened; the fold runs in a thread of its own."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self, event: Event, _version: int) -> None:
        if event.name in self._names:
            self._reached.set()
            assert self._opened.wait(_PATIENCE_SECONDS), "nobody opened the gate"

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, _PATIENCE_SECONDS), "the fold never came to the gate"

    def open(self) -> None:
        self._opened.set()


class Fault:
    """A mistake in the code: it fails on these messages, or only when it reads them by one version."""

    def __init__(self, *message_ids: str, version: int | None = None) -> None:
        self._message_ids = message_ids
        self._version = version

    def __call__(self, event: Event, version: int) -> None:
        if event.message_id in self._message_ids and self._version in (None, version):
            raise ArithmeticError("a mistake")

    def mend(self) -> None:
        """Without a new process."""
        self._message_ids = ()


class Hands:
    """One projector process, of which a test makes every step. Open with `async with`; it takes the leases it finds."""

    def __init__(self, reality: Reality, touch: Touch = lambda _event, _version: None) -> None:
        self._reality = reality
        self.owner = secrets.token_hex(8)
        self.leases = Leases(reality.state, self.owner, lambda: reality.now, exclusive=reality.state.is_sqlite)
        reader = EntryReader(reality.log)
        models = _TouchedModels(reality.state, touch)
        self.lanes = Lanes(reality.log, reality.state, reader, models, self.leases, lambda: reality.now)
        self._identify = Identify(reality.log, reality.state, reader, self.leases)
        self._fold = Fold(self.lanes)
        self._catching_up = CatchingUp(self.lanes, enough_seconds=0)
        self._slow = SlowLane(self.lanes)
        self._settling = Settling(self.lanes)

    async def __aenter__(self) -> Hands:
        await self._reality.projector.close()
        await self.renew()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leases.release()

    async def renew(self) -> None:
        await self.leases.renew(_LEASES)

    async def fall_silent(self) -> None:
        """As if this process had not renewed for longer than a lease."""
        async with self._reality.state.write() as connection:
            mine = tables.projectors.c.owner == self.owner
            await connection.execute(update(tables.projectors).where(mine).values(expires_at=0))

    async def identify(self) -> None:
        """All that is logged. On PostgreSQL other tests' transactions may hold the end of the log back."""
        logged, _oldest, _last = await self._reality.log.logged_slots(WORKSPACE, START)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while sum(row.slots for row in await self._reality.rows(tables.cursors)) < logged:
                await self._identify.step(WORKSPACE)

    async def fold(self) -> int:
        """One step of the first lane."""
        return await self._fold.step(WORKSPACE)

    async def catch_up(self) -> int:
        """One step of the lane of rebuilds."""
        return await self._catching_up.step(WORKSPACE)

    async def fold_slowly(self) -> int:
        """One step of the slow lane."""
        return await self._slow.step()

    async def settle(self) -> int:
        """One step of the lane that adds to the counters what there is to add."""
        return await self._settling.finish(WORKSPACE)

    async def finish(self) -> None:
        """Every stage and lane until nothing is left to do; a step that the database refuses is tried again."""
        await self.identify()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                try:
                    if not await self._round():
                        return
                except STEP_ERRORS:
                    await self.renew()

    async def _round(self) -> int:
        folded = await self.fold() or await self.fold_slowly() or await self.catch_up()
        return folded or await self.settle()

    async def marks(self) -> dict[bytes, Waiting]:
        async with self._reality.state.read() as connection:
            return await dirty.waiting(connection, WORKSPACE, range(PARTITIONS), 10_000)


class _TouchedModels(Models):
    """The journeys as a release would read them that does something more with every event, such as fail."""

    def __init__(self, state: Database, touch: Touch) -> None:
        super().__init__(state)
        self._touch = touch

    async def schedules(
        self, connection: AsyncConnection, workspace: str, builds: Sequence[Build]
    ) -> dict[int, Schedule]:
        found = await super().schedules(connection, workspace, builds)
        return {
            number: Schedule(schedule.journey_key, [self._touched(version) for version in schedule.versions])
            for number, schedule in found.items()
        }

    def _touched(self, version: JourneyVersion) -> JourneyVersion:
        return dataclasses.replace(version, recogniser=cast(Recogniser, _Touched(version, self._touch)))


class _Touched:
    """The rules of a version; every event that belongs to the journey is touched."""

    def __init__(self, version: JourneyVersion, touch: Callable[[Event, int], None]) -> None:
        self._version = version
        self._touch = touch
        self.can_end = version.recogniser.can_end

    def recognise(self, event: Event) -> Recognition:
        found = self._version.recogniser.recognise(event)
        if found.belongs:
            self._touch(event, self._version.number)
        return found


# --- what is to be seen afterwards -----------------------------------------------------------------------------------


async def visible(reality: Reality) -> set[bytes]:
    """The customers that there are."""
    return {row.customer for row in await reality.rows(tables.customers)}


async def assert_as_expected(reality: Reality, events: Sequence[Json], versions: Sequence[Json]) -> None:
    """Customers and instances equal the oracles', the counters their sums, and nothing is left to do."""
    assert await reality.rows(tables.dirty) == []
    assert await reality.rows(tables.stuck) == []
    found = await reality.customers()
    assert [{name: value for name, value in one.items() if name != "id"} for one in found] == expected(
        events, versions, reality.now
    )
    async with reality.state.read(snapshot=True) as connection:
        assert await insights_store.counted(connection, WORKSPACE) == await insights_store.summed(connection, WORKSPACE)


def expected(events: Sequence[Json], versions: Sequence[Json], now: int) -> list[Json]:
    """What the oracles say of customers and their instances."""
    by_id = {one["messageId"]: one for one in events}
    journeys = {version["key"]: [one for one in versions if one["key"] == version["key"]] for version in versions}
    return [
        customer
        | {
            "instances": [
                instance
                for _key, schedule in sorted(journeys.items())
                for instance in journey_oracle.fold(schedule, [by_id[id] for id in customer["events"]], now)
            ]
        }
        for customer in identity_oracle.customers(list(events))
    ]
