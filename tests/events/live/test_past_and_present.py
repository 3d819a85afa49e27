"""Once everything is projected, the past as of the present is the present: in every call, to the byte."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import to_rfc3339
from services.events.access import AUDIENCE
from services.events.app import create_app
from services.events.settings import Settings
from tests.support.histories import EPOCH
from tests.support.random_histories import HALF_DAY, events, journeys
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]
SIGNING_KEY = "a signing key that is long enough for HMAC"
TOKENS = ServiceTokens(SIGNING_KEY)
PEOPLE: list[list[tuple[str, str]]] = [
    [("user_id", "u1")],
    [("user_id", "u2")],
    [("anonymous_id", "a1")],
    [("user_id", "u1"), ("anonymous_id", "a1")],
    [("email", "ada@example.org"), ("anonymous_id", "a2")],
]


@settings(max_examples=8, deadline=None, derandomize=True)
@given(journeys(), events(), st.randoms(use_true_random=False), st.integers(18, 34))
def test_the_past_as_of_now_is_what_today_says(
    versions: list[Json], history: list[Json], chance: Any, now: int
) -> None:
    happened = [
        event
        | {
            "identifiers": chance.choice(PEOPLE),
            "verified": chance.random() < 0.5,
            "traits": {"plan": chance.choice(["free", "gold"])},
        }
        for event in history
    ]
    asyncio.run(compare(versions, happened, EPOCH + now * HALF_DAY))


async def compare(versions: list[Json], happened: list[Json], now: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Reality(f"sqlite:///{folder}/test.db") as reality:
            reality.now = now
            await reality.publish(versions)
            place = await reality.record(happened)
            await reality.project()
            app = create_app(Settings(data=Path(folder), signing_key=SIGNING_KEY))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
                await _compare(client, to_rfc3339(now), [f"{place.seq}-{slot}" for slot in range(len(happened))])


async def _compare(client: httpx.AsyncClient, now: str, ids: list[str]) -> None:
    headers = {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, WORKSPACE)}"}

    async def both(call: str, body: Json, past: Json | None = None) -> Json:
        today = await client.post(f"/internal/{call}", json=body, headers=headers)
        then = await client.post(f"/internal/past/{call}", json={"asOf": now} | (past or body), headers=headers)
        assert (then.status_code, then.json()) == (today.status_code, today.json()), (call, body)
        assert today.status_code == 200
        answer: Json = today.json()
        return answer

    named = [{"type": type, "value": value} for known in PEOPLE for type, value in known]
    found = (await both("customers/find", {"identifiers": named}))["customers"]
    customers = sorted({customer["id"] for customer in found if customer is not None})
    await both("customers/read", {"ids": customers})
    await both("events/read", {"ids": ids})
    await both("instances/of-events", {"events": ids})
    for wanted in ({}, {"first": 2}, {"journey": "j"}, {"name": ["A", "G"], "first": 1}, {"channel": ["web"]}):
        await both("timelines", {"customers": customers} | wanted)
    for wanted in ({"first": 1}, {"key": "k"}, {"status": ["COMPLETED", "ACTIVE"]}):
        await both("instances/of-customers", {"customers": customers} | wanted)
    pages = (await both("instances/of-customers", {"customers": customers, "first": 100}))["pages"]
    runs = [
        {"customer": customer, "instance": instance["id"]}
        for customer, page in zip(customers, pages, strict=True)
        for instance in page["items"]
    ]
    for first in (1, 100):
        asked: Json = {"instances": [run["instance"] for run in runs], "first": first}
        await both("steps", asked, asked | {"instances": runs})
    await both("instances/explain", {"instances": [run["instance"] for run in runs]}, {"instances": runs})
