"""Rejected events are sent through intake again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.events.control.domain import Source, Trust
from services.events.control.store import ControlStore, insert_sources
from services.events.intake.position import START
from services.events.intake.slots import CALL, HISTORY, INPUT, Carriage, Recorded, Refused
from services.events.intake.writer import LogWriter
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.tables import rejected_events
from tests.support.histories import EPOCH
from tests.support.reality import WORKSPACE, Reality

HOUR = EPOCH + 3_600_000_000
A_CALL = b'{"type":"track","event":"Buy","userId":"u1"}'
AN_INPUT = b'{"messageId":"m1","name":"Call","identifiers":[{"type":"user_id","value":"u1"}]}'


class House:
    def __init__(self, reality: Reality) -> None:
        self.reality = reality
        rejected, control = RejectedQueries(reality.state), ControlStore(reality.log_database)
        self.resubmission = Resubmission(rejected, control, reality.log, LogWriter(reality.log, lambda: reality.now))

    async def given(self, *events: tuple[bytes, Carriage], code: str = "BAD_VALUE", paused: bool = False) -> list[str]:
        """Rejected events of a source, as they came; their ids."""
        async with self.reality.log_database.write() as connection:
            source = Source(WORKSPACE, "shop", "Shop", "shop", Trust.CLAIMED, "web", paused=paused)
            await insert_sources(connection, [source])
        slots = [Refused("shop", EPOCH + at, code, "No.", (), *event) for at, event in enumerate(events)]
        place = await self.reality.append(slots)
        await self.reality.project()
        return [f"{place.seq}-{at}" for at in range(len(events))]

    async def again(self, *ids: str) -> list[tuple[str | None, str | None]]:
        done = await self.resubmission.resubmit(WORKSPACE, ids)
        await self.reality.project()
        return [(result.message_id, result.code) for result in done.results]

    async def recorded(self, id: str) -> Recorded:
        """What an event is that is accepted now."""
        done = await self.resubmission.resubmit(WORKSPACE, [id])
        assert done.place is not None
        slot = (await self.reality.log.read_rows(WORKSPACE, [done.place.seq]))[done.place.seq][0]
        assert isinstance(slot, Recorded)
        return slot

    async def events(self) -> Any:
        return [one for customer in await self.reality.customers() for one in customer["events"]]


async def test_what_is_accepted_now_leaves_the_list_and_the_rest_stays(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        bad_call = b'{"type":"track","userId":"u1"}'
        call, given, bad = await house.given((A_CALL, Carriage()), (AN_INPUT, Carriage(INPUT)), (bad_call, Carriage()))
        results = await house.again(call, given, bad, "999-0")
        assert [code for _, code in results] == [None, None, "BAD_VALUE", "UNKNOWN_REJECTED_EVENT"]
        assert sorted(await house.events()) == ["m1", f"resubmitted-{call}"]
        [left] = await reality.rows(rejected_events)
        assert f"{left[1]}-{left[2]}" == bad
        assert await house.again(call) == [(None, "UNKNOWN_REJECTED_EVENT")]


async def test_asking_twice_at_once_records_once(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        [call] = await house.given((A_CALL, Carriage()))
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
        [id] = await house.given((AN_INPUT, Carriage(INPUT)), code="BAD_VALUE" if paused else code, paused=paused)
        assert await house.again(id) == [("m1", code)]
        assert await house.events() == []
        assert len(await reality.rows(rejected_events)) == 1


async def test_what_its_route_and_its_batch_said_of_it_is_known(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        body = b'{"event":"Buy","userId":"u1","timestamp":"2026-01-01T00:59:53Z"}'
        came = Carriage(CALL, True, "track", HOUR, b'{"channel":"till","locale":"nl"}')
        [id] = await house.given((body, came))
        found = await house.recorded(id)
        assert (found.kind, found.verified, found.sent_at, found.received_at) == (
            "track",
            True,
            HOUR,
            EPOCH,
        )
        assert found.occurred_at - EPOCH == -7_000_000
        assert json.loads(found.context) == {"channel": "till", "locale": "nl"}


@pytest.mark.parametrize(("value", "verified"), [("u1", True), ("u2", False)])
async def test_who_spoke_for_a_customer_speaks_for_nobody_else(database_url: str, value: str, verified: bool) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        [id] = await house.given((AN_INPUT, Carriage(INPUT, True, customer=("user_id", value))))
        found = await house.recorded(id)
        assert ("user_id", value) in found.identifiers
        assert found.verified is verified


async def test_history_is_history_again(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        of_old = A_CALL[:-1] + b',"timestamp":"2020-01-01T00:00:00Z"}'
        live, old = await house.given((A_CALL, Carriage()), (of_old, Carriage(HISTORY, True)))
        assert await house.again(live, old) == [(f"resubmitted-{live}", None), (f"resubmitted-{old}", None)]
        assert await house.events() == [f"resubmitted-{old}", f"resubmitted-{live}"]
        rows = await reality.log.read_after(WORKSPACE, START, 100)
        recorded = [[slot.imported for slot in row.slots if isinstance(slot, Recorded)] for row in rows]
        assert recorded == [[], [False], [True]]


async def test_without_the_context_that_it_came_with_it_is_not_taken(database_url: str) -> None:
    async with Reality(database_url) as reality:
        house = House(reality)
        [id] = await house.given((A_CALL, Carriage(shared_context=None)))
        assert await house.again(id) == [(None, "TOO_LARGE")]
