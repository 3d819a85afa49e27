"""Bodies made to be slow, or to take more room than they seem to."""

from __future__ import annotations

import asyncio
import json

from tests.events.intake.door import Door


async def test_a_text_without_end_behind_great_depth_is_refused_in_linear_time(door: Door) -> None:
    """A megabyte that the quadratic reader of former days would have looked at for hours."""
    body = b'{"batch":[' + b"[" * 1_100 + b'"' + b'\\"' * 500_000
    async with asyncio.timeout(20):
        for ending in (b"", b"\\"):
            answer = await door.send("/v1/batch", body + ending)
            assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_JSON")


async def test_the_context_of_a_batch_counts_for_each_of_its_events(door: Door) -> None:
    event = {"type": "track", "userId": "u", "event": "E"}
    answer = await door.send("/v1/batch", {"batch": [event] * 3, "context": {"a": "y" * 40_000}})
    assert [one["code"] for one in answer.json()["results"]] == ["TOO_LARGE"] * 3

    answer = await door.send("/v1/batch", {"batch": [event] * 200, "context": {"a": "y" * 30_000}})
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


async def test_what_is_wrong_with_the_context_of_a_batch_is_found_once(door: Door) -> None:
    event = {"type": "track", "userId": "u", "event": "E", "context": {"n": 1}}
    body = json.dumps({"batch": [event] * 100, "context": {"a": "\u0000"} | {f"k{i}": [[]] for i in range(2_000)}})
    answer = await door.send("/v1/batch", body.encode())
    assert {one["code"] for one in answer.json()["results"]} == {"BAD_VALUE"}
    assert len(answer.json()["results"]) == 100


async def test_events_without_a_time_keep_the_order_of_their_batch(door: Door) -> None:
    calls = [{"type": "track", "userId": "u", "event": f"E{number}"} for number in range(50)]
    events = await door.events(await door.send("/v1/batch", {"batch": calls}))
    assert [event.name for event in sorted(events, key=lambda event: event.occurred_at)] == [f"E{n}" for n in range(50)]


async def test_a_refused_call_is_kept_without_the_key_it_came_with(door: Door) -> None:
    body = json.dumps({"userId": "null", "event": "E", "writeKey": door.keys.write_key}).encode()
    answer = await door.client.post("/v1/track", content=body)
    assert [one["code"] for one in answer.json()["results"]] == ["NO_IDENTIFIER"]
    [kept] = await door.refusals(answer)
    assert door.keys.write_key.encode() not in kept.body
