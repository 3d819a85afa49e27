"""What the service says of how far it is: what is visible, what is rebuilt, what is stuck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import to_rfc3339
from infra.chassis.http import answer_problems
from services.events import tables
from services.events.access import AUDIENCE, workspace_of
from services.events.models import builds
from services.events.projector import api
from services.events.projector.progress import Progress
from tests.events.projector.first_stage import FirstStage, customer_of, said, version
from tests.support.histories import DAY, EPOCH

ALL = range(16)
A, B = ("anonymous_id", "a"), ("anonymous_id", "b")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[FirstStage]:
    async with FirstStage(database_url) as opened:
        opened.now = EPOCH + 10 * DAY
        yield opened


async def switch(stage: FirstStage) -> None:
    async with stage.state.write() as connection:
        await builds.switch(connection, "default")


async def sweep(stage: FirstStage) -> None:
    """All that is retired."""
    async with stage.state.write() as connection:
        for build in await builds.retired(connection, "default"):
            while await builds.sweep(connection, "default", build, 100):
                pass


async def test_a_publication_is_reached_when_its_build_is_live_and_filled(stage: FirstStage) -> None:
    progress = Progress(stage.log, stage.state)
    before = await stage.take(said(1, A))
    first = await stage.take(version(1))
    second = await stage.take(version(2, None))
    after = await stage.take(said(2, A))
    await stage.clear()
    live, building = await stage.builds()

    async def reached() -> list[bool]:
        return [await progress.reached("default", place) for place in (before, first, second, after)]

    assert await reached() == [True, False, False, False]
    await stage.finish(live.number)
    assert await reached() == [True, True, False, True]
    await stage.finish(building.number)
    assert await reached() == [True, True, False, True]
    waiting = asyncio.create_task(progress.wait("default", second))
    await switch(stage)
    assert await waiting
    assert (await progress.status("default")).rebuilds == []


@pytest.mark.parametrize("swept", [False, True])
async def test_a_publication_whose_build_was_replaced_is_reached_with_the_one_in_its_place(
    stage: FirstStage, swept: bool
) -> None:
    progress = Progress(stage.log, stage.state)
    await stage.take(version(1), version(1, journey="other"))
    for build in await stage.builds():
        await stage.finish(build.number)
    second = await stage.take(version(2, None))
    third = await stage.take(version(3, None))
    current = await stage.take(version(4, to_rfc3339(stage.now)))
    elsewhere = await stage.take(version(2, to_rfc3339(stage.now), journey="other"))
    await stage.clear()
    if swept:
        await sweep(stage)

    async def reached() -> list[bool]:
        return [await progress.reached("default", place) for place in (second, third, current, elsewhere)]

    assert await reached() == [False, False, True, True]
    [building] = [build for build in await stage.builds() if not build.live]
    await stage.finish(building.number)
    assert await reached() == [False, False, True, True]
    waiting = asyncio.create_task(progress.wait("default", second))
    await switch(stage)
    assert await waiting
    assert await reached() == [True, True, True, True]


@asynccontextmanager
async def asking(stage: FirstStage) -> AsyncIterator[httpx.AsyncClient]:
    """A service that may read the routes about progress."""
    tokens = ServiceTokens("a signing key that is long enough for HMAC")
    app = FastAPI()
    answer_problems(app)
    app.include_router(api.router(Progress(stage.log, stage.state), lambda: stage.now, workspace_of(tokens)))
    headers = {"Authorization": f"Bearer {tokens.mint(AUDIENCE, 'default')}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://events", headers=headers
    ) as client:
        yield client


async def test_the_projection_says_how_far_each_build_is(stage: FirstStage) -> None:
    await stage.take(version(1), version(2, None))
    live, building = await stage.builds()
    await stage.finish(live.number)
    async with asking(stage) as client:
        [rebuild] = (await client.get("/internal/projection")).json()["rebuilds"]
        assert (rebuild["folded"], rebuild["customers"], rebuild["share"]) == (0, None, 0)

        async with stage.state.write() as connection:
            for partition in ALL:
                after = bytes([partition << 4 | 8]) + b"\0" * 15
                await builds.advance(connection, "default", building.number, partition, after, 10, partition == 15)
        # The partitions stand at 8, 24, ... 232 of 256; the last is through.
        share = (sum(partition * 16 + 8 for partition in range(15)) / 256 + 1) / 16
        answer = (await client.get("/internal/projection")).json()
        assert answer["rebuilds"] == [
            {
                "journey": "shop",
                "versions": [1, 2],
                "live": False,
                "folded": 160,
                "customers": round(160 / share),
                "share": round(share, 4),
            }
        ]
        assert (answer["rebuilding"], answer["lag"]) == (True, 0)


async def test_what_is_stuck_is_counted_by_customer_and_listed_by_event(stage: FirstStage) -> None:
    listed: list[dict[str, Any]] = [
        {"customer": customer, "event": event, "error": error}
        for customer, event, error in sorted(
            [(customer_of(*A), "1-0", "ValueError"), (customer_of(*A), "12-3", "KeyError"), (customer_of(*B), "", "D")]
        )
    ]
    unseen = {"workspace": "default", "partition": 0, "key": b"", "since": EPOCH}
    async with stage.state.write() as connection:
        await connection.execute(insert(tables.stuck), [row | unseen for row in listed])
    expected = [
        {
            "customer": row["customer"].hex(),
            "event": row["event"] or None,
            "error": row["error"],
            "since": "2026-01-01T00:00:00Z",
        }
        for row in listed
    ]
    async with asking(stage) as client:
        assert (await client.get("/internal/projection")).json()["stuck"] == 2
        query: dict[str, str | int] = {"first": 1}
        for row in expected:
            page = (await client.get("/internal/projection/stuck", params=query)).json()
            assert (page["items"], page["hasNextPage"]) == ([row], row != expected[-1])
            query["after"] = page["endCursor"]
        refused = await client.get("/internal/projection/stuck", params={"after": "AAAA"})
        assert (refused.status_code, refused.json()["code"]) == (400, "BAD_CURSOR")
