"""Published changes over the internal route: in order, from any position on, without a gap or a repeat."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from services.events import tables
from services.events.changes import store
from services.events.changes.position import START, ChangePlace
from services.events.live.domain.changes import InstanceChange
from services.events.projector.withdrawing import Withdrawing
from tests.events.projector.hands import Hands
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality
from tests.support.state import State

Json = dict[str, Any]

READ = "/internal/feeds/changes/read"
_PATIENCE_SECONDS = 30


def change(number: int) -> InstanceChange:
    at = EPOCH + number * DAY
    return InstanceChange(b"c" * 16, bytes([number] * 16), "shop", None, at, None, None, "ACTIVE", "look", False)


async def publish(state: State, *numbers: int, workspace: str = WORKSPACE) -> None:
    async with state.database.write() as connection:
        await store.append(connection, workspace, [change(number) for number in numbers], EPOCH)


async def read(state: State, after: str | None, first: int, until: int | None = None) -> list[Json]:
    """On PostgreSQL other tests' transactions may hold the end back: with `until`, waits for so many changes."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            found: list[Json] = (await state.post(READ, after=after, first=first))["items"]
            if until is None or len(found) == until:
                return found
            await asyncio.sleep(0.01)


def numbers(found: list[Json]) -> list[int]:
    return [bytes.fromhex(one["instanceId"])[0] for one in found]


async def test_a_change_says_of_which_instance_it_is_and_what_was_before(database_url: str) -> None:
    async with State(database_url) as state:
        corrected = InstanceChange(
            b"c" * 16, b"i" * 16, "shop", "A", EPOCH, "ABANDONED", "look", "COMPLETED", "buy", True
        )
        gone = InstanceChange(b"c" * 16, b"j" * 16, "shop", None, EPOCH, "ACTIVE", "look", None, None, True)
        async with state.database.write() as connection:
            await store.append(connection, WORKSPACE, [corrected, gone], EPOCH)
        [first, second] = await read(state, None, 10, until=2)
        assert first | {"position": ""} == {
            "position": "",
            "instanceId": (b"i" * 16).hex(),
            "customerId": (b"c" * 16).hex(),
            "journeyKey": "shop",
            "key": "A",
            "previousStatus": "ABANDONED",
            "previousPhase": "look",
            "status": "COMPLETED",
            "phase": "buy",
            "at": "2026-01-01T00:00:00Z",
            "correction": True,
        }
        assert (second["previousStatus"], second["status"], second["phase"]) == ("ACTIVE", None, None)
        assert len(first["position"]) == 34


async def test_reading_goes_on_from_every_position_in_steps_of_every_size(database_url: str) -> None:
    async with State(database_url) as state:
        await publish(state, 1)
        await publish(state, 2, 3, 4)
        await publish(state, 99, workspace="other")
        await publish(state, 5, 6)
        whole = await read(state, None, 1_000, until=6)
        assert numbers(whole) == [1, 2, 3, 4, 5, 6]
        for start in range(6):
            for size in range(1, 8):
                found = whole[:start]
                while some := await read(state, found[-1]["position"] if found else None, size):
                    assert len(some) == min(size, 6 - len(found))
                    found = found + some
                assert found == whole


async def test_where_nothing_follows_the_position_stays(database_url: str) -> None:
    async with State(database_url) as state:
        nothing = await state.post(READ)
        assert nothing == {"items": [], "customers": {}, "next": START.token()}
        await publish(state, 1)
        [first] = await read(state, nothing["next"], 10, until=1)
        assert await state.post(READ, after=first["position"]) == nothing | {"next": first["position"]}


def test_positions_sort_as_the_changes_do() -> None:
    numbers = [0, 1, 9, 31, 32, 255, 256, 1 << 31]
    places = [ChangePlace(xid, seq, number) for xid in numbers for seq in numbers for number in numbers]
    assert sorted(place.token() for place in places) == [place.token() for place in sorted(places)]
    assert [ChangePlace.parse(place.token()) for place in places] == places


async def test_only_positions_of_changes_are_taken(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        await publish(state, 1)
        known = (await read(state, None, 1))[0]["position"]
        for wrong in ("", "x", known[:-1], known + "0", known[:-1] + "=", known.lower(), "é" * 34, "_" * 22, "Z" * 34):
            assert await state.refusal(READ, after=wrong) == (400, "BAD_POSITION", [])
        assert await state.refusal(READ, after=ChangePlace(0, 7, 0).token()) == (400, "POSITION_TOO_OLD", [])
        assert await state.refusal(READ, first=1_001) == (422, "INVALID", [["first"]])


async def test_a_slower_writer_is_never_skipped(postgresql_url: str) -> None:
    async with State(postgresql_url) as state:
        await publish(state, 1)
        [first] = await read(state, None, 10, until=1)
        async with state.database.write() as slow:
            await slow.execute(text("SELECT pg_current_xact_id()"))
            await publish(state, 3)
            assert await read(state, first["position"], 10) == []
            await store.append(slow, WORKSPACE, [change(2)], EPOCH)
        assert numbers(await read(state, first["position"], 10, until=2)) == [2, 3]


async def test_changes_are_kept_for_a_day_and_the_last_one_for_ever(database_url: str) -> None:
    async with Reality(database_url) as reality, Hands(reality) as hands:
        for written_at in (EPOCH, EPOCH + 1, EPOCH + 2):
            async with reality.state.write() as connection:
                await store.append(connection, WORKSPACE, [change(1)], written_at)
        for now, kept in ((DAY, 3), (DAY + 1, 2), (9 * DAY, 1), (99 * DAY, 1)):
            reality.now = EPOCH + now
            await Withdrawing(hands.lanes).step(WORKSPACE)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while len(await reality.rows(tables.instance_changes)) > kept:
                    await Withdrawing(hands.lanes).step(WORKSPACE)
            assert len(await reality.rows(tables.instance_changes)) == kept
