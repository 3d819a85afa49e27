"""What could not be accepted is listed with the bytes as sent."""

from __future__ import annotations

from typing import Any

from services.events.tables import rejected_events
from tests.support.histories import EPOCH
from tests.support.state import State

PATH = "/internal/rejected-events"


def rejected(seq: int, slot: int, source: str = "shop", **columns: Any) -> dict[str, Any]:
    row = {"seq": seq, "slot": slot, "source": source, "received_at": EPOCH, "code": "BAD_VALUE", "message": "No."}
    return row | {"path": "[]", "body": b"{}"} | columns


async def test_a_rejected_event_shows_what_was_sent_and_what_is_wrong(database_url: str) -> None:
    async with State(database_url) as state:
        body = '{"n": NaN, "é": 9007199254740993}'.encode() + b"\xff"
        await state.add(rejected_events, rejected(7, 2, path='["properties", "n"]', body=body))
        page = await state.get(PATH)
        assert page["items"] == [
            {
                "id": "7-2",
                "source": "shop",
                "receivedAt": "2026-01-01T00:00:00Z",
                "code": "BAD_VALUE",
                "message": "No.",
                "path": ["properties", "n"],
                "body": '{"n": NaN, "é": 9007199254740993}\ufffd',
            }
        ]
        assert (page["hasNextPage"], page["hasPreviousPage"], page["totalCount"]) == (False, False, None)


async def test_the_list_is_walked_newest_first_and_may_grow_meanwhile(database_url: str) -> None:
    async with State(database_url) as state:
        await state.add(rejected_events, *(rejected(seq, slot) for seq in (1, 2) for slot in (0, 1)))
        await state.add(rejected_events, rejected(3, 0, "crm"))
        start = await state.get(PATH, first=2)
        assert [item["id"] for item in start["items"]] == ["3-0", "2-1"]
        await state.add(rejected_events, rejected(4, 0))
        rest = await state.get(PATH, first=9, after=start["endCursor"])
        assert [item["id"] for item in rest["items"]] == ["2-0", "1-1", "1-0"]
        assert (rest["hasNextPage"], rest["hasPreviousPage"]) == (False, True)
        assert [item["id"] for item in (await state.get(PATH, source="crm"))["items"]] == ["3-0"]
        state.workspace = "other"
        assert (await state.get(PATH))["items"] == []


async def test_rejected_events_are_read_by_id_in_the_order_asked(database_url: str) -> None:
    async with State(database_url) as state:
        await state.add(rejected_events, *(rejected(seq, slot) for seq in (1, 2) for slot in (0, 1)))
        ids = ["2-0", "9-9", "", "x-1", "1-", "-1-0", "1-99999999999", "99999999999999999999-1", "1-1", "2-0"]
        found = (await state.post(f"{PATH}/read", ids=ids))["rejectedEvents"]
        assert [item and item["id"] for item in found] == ["2-0", *[None] * 7, "1-1", "2-0"]
        state.workspace = "other"
        assert await state.post(f"{PATH}/read", ids=["1-1"]) == {"rejectedEvents": [None]}


async def test_requests_of_another_shape_are_refused(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        cases = [
            ({"after": "x"}, 400, "BAD_CURSOR"),
            ({"after": "dGFi"}, 400, "BAD_CURSOR"),
            ({"first": "101"}, 422, "INVALID"),
            ({"first": "many"}, 422, "INVALID"),
            ({"source": "a\x00"}, 422, "INVALID"),
        ]
        for query, status, code in cases:
            response = await state.send("GET", PATH, **query)
            assert (response.status_code, response.json()["code"]) == (status, code), query
