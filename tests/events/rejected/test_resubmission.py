"""Rejected events are sent through intake again."""

from __future__ import annotations

from typing import Any

import pytest

from services.events.control.domain import Source, Trust
from services.events.control.store import ControlStore, insert_sources
from services.events.intake.slots import Refused
from services.events.intake.writer import LogWriter
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.tables import rejected_events
from tests.support.histories import EPOCH
from tests.support.reality import WORKSPACE, Reality

CALL = b'{"type":"track","event":"Buy","userId":"u1"}'
INPUT = b'{"messageId":"m1","name":"Call","identifiers":[{"type":"user_id","value":"u1"}]}'


class House:
    def __init__(self, reality: Reality) -> None:
        self.reality = reality
        rejected, control = RejectedQueries(reality.state), ControlStore(reality.log_database)
        self.resubmission = Resubmission(rejected, control, LogWriter(reality.log, lambda: reality.now))

    async def given(self, *bodies: bytes, code: str = "BAD_VALUE", paused: bool = False) -> list[str]:
        """Rejected events of a source; their ids."""
        async with self.reality.log_database.write() as connection:
            source = Source(WORKSPACE, "shop", "Shop", "shop", Trust.CLAIMED, "web", paused=paused)
            await insert_sources(connection, [source])
        slots = [Refused("shop", EPOCH + at, code, "No.", (), body) for at, body in enumerate(bodies)]
        place = await self.reality.append(slots)
        await self.reality.project()
        return [f"{place.seq}-{at}" for at in range(len(bodies))]

    async def again(self, *ids: str) -> list[tuple[str | None, str | None]]:
        done = await self.resubmission.resubmit(WORKSPACE, ids)
        await self.reality.project()
        return [(result.message_id, result.code) for result in done.results]

    async def events(self) -> Any:
        return [one for customer in await self.reality.customers() for one in customer["events"]]


async def test_what_is_accepted_now_leaves_the_list_and_the_rest_stays(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        call, given, bad = await house.given(CALL, INPUT, b'{"type":"track","userId":"u1"}')
        results = await house.again(call, given, bad, "999-0")
        assert [code for _, code in results] == [None, None, "BAD_VALUE", "UNKNOWN_REJECTED_EVENT"]
        assert sorted(await house.events()) == ["m1", f"resubmitted-{call}"]
        [left] = await reality.rows(rejected_events)
        assert f"{left[1]}-{left[2]}" == bad
        assert await house.again(call) == [(None, "UNKNOWN_REJECTED_EVENT")]


async def test_asking_twice_at_once_records_once(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        [call] = await house.given(CALL)
        for _ in range(2):
            done = await house.resubmission.resubmit(WORKSPACE, [call])
            assert [result.code for result in done.results] == [None]
        await reality.project()
        assert await house.events() == [f"resubmitted-{call}"]
        assert await reality.rows(rejected_events) == []


@pytest.mark.parametrize(("code", "paused"), [("CONFLICTING_DUPLICATE", False), ("SOURCE_PAUSED", True)])
async def test_what_no_mending_helps_is_told_and_stays(database_url: str, code: str, paused: bool) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        [id] = await house.given(INPUT, code="BAD_VALUE" if paused else code, paused=paused)
        assert await house.again(id) == [("m1", code)]
        assert await house.events() == []
        assert len(await reality.rows(rejected_events)) == 1
