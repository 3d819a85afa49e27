"""Following a feed: as it grows, from any position, until the process stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from infra.chassis.database import Database
from infra.chassis.errors import BadRequest
from infra.chassis.notices import Bell, Channel
from services.events.changes import store
from services.events.changes.feed import ChangeFeed
from services.events.changes.schemas import ChangeDocument
from services.events.feeds.feed import PROGRESS_CHANNEL, FeedPage, Feeds
from services.events.identity.queries import CustomerQueries
from services.events.intake.store import Group
from services.events.tables import instance_changes
from tests.events.changes.test_reading import change, publish
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.recording import recorded
from tests.support.state import State

SECONDS = 20


def feeds_of(state: State, bell: Bell, channel: Channel | None = None) -> Feeds:
    customers = CustomerQueries(state.database, state.log)
    return Feeds({"changes": ChangeFeed(state.database, state.log, customers, lambda: state.now)}, bell, channel)


def numbers(page: FeedPage) -> list[int]:
    items: list[ChangeDocument] = list(page.items)
    return [bytes.fromhex(one.instance_id)[0] for one in items]


async def heard(pages: AsyncGenerator[FeedPage, None], count: int) -> list[int]:
    """The next so many changes."""
    found: list[int] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += numbers(await anext(pages))
    return found


async def test_what_is_published_is_told_from_now_on(database_url: str) -> None:
    async with State(database_url) as state:
        bell = Bell()
        await publish(state, 1)
        feeds = feeds_of(state, bell)
        await _settled(state)
        async with aclosing(feeds.follow("changes", state.workspace, None)) as pages:
            assert numbers(await anext(pages)) == []
            for number in (2, 3):
                await publish(state, number)
                bell.ring()
                assert await heard(pages, 1) == [number]


async def test_it_goes_on_behind_a_position(database_url: str) -> None:
    async with State(database_url) as state:
        await publish(state, 1, 2, 3)
        await _settled(state)
        feeds = feeds_of(state, Bell())
        whole = await feeds.read("changes", state.workspace, None, 10)
        for start, item in enumerate(whole.items, 1):
            async with aclosing(feeds.follow("changes", state.workspace, item.position)) as pages:
                assert numbers(await anext(pages)) == [1, 2, 3][start:]


async def test_a_process_that_stops_ends_all_who_follow(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        feeds = feeds_of(state, Bell())
        pages = feeds.follow("changes", state.workspace, None)
        await anext(pages)
        waiting = asyncio.ensure_future(anext(pages, None))
        await asyncio.sleep(0)
        feeds.end()
        assert await asyncio.wait_for(waiting, SECONDS) is None


async def test_projectors_of_other_processes_are_heard(postgresql_url: str) -> None:
    async with State(postgresql_url) as state:
        bell, other = Bell(), Database(postgresql_url)
        channel = Channel(state.database, PROGRESS_CHANNEL, bell.ring)
        there = Channel(other, "elsewhere", lambda: None)
        rung = bell.next()
        await channel.ensure()
        await there.notify(PROGRESS_CHANNEL)
        await asyncio.wait_for(rung.wait(), SECONDS)
        await there.close()
        await channel.close()
        await other.close()


async def test_over_http_pages_are_lines(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        await publish(state, 1, 2)
        state.feeds.end()  # the transport collects whole bodies: only the first page is told
        first = (await state.post("/internal/feeds/changes/read", first=1))["items"][0]
        response = await state.send("GET", "/internal/feeds/changes", after=first["position"])
        assert response.headers["content-type"] == "application/x-ndjson"
        [line] = response.content.splitlines()
        page: Any = msgspec.json.decode(line)
        assert [one["position"] > first["position"] for one in page["items"]] == [True]
        response = await state.send("GET", "/internal/feeds/changes", after="wrong")
        assert (response.status_code, response.json()["code"]) == (400, "BAD_POSITION")
        response = await state.send("GET", "/internal/feeds/nothing")
        assert response.status_code == 422


async def test_changes_may_be_gone_on_from_a_write(database_url: str) -> None:
    """What was published before it is left out, and nothing that follows from it."""
    async with State(database_url) as state:
        feed = feeds_of(state, Bell())
        await _publish_at(state, EPOCH, 1)
        state.now = EPOCH + 1
        [write] = await state.log.append([_group(state)], EPOCH + 1)
        await _publish_at(state, EPOCH + 2, 2, 3)
        await _settled(state)
        assert numbers(await feed.read("changes", state.workspace, write.token(), 10)) == [2, 3]
        state.now = EPOCH + 9 * DAY  # quiet, so that nothing of it was pruned
        assert numbers(await feed.read("changes", state.workspace, write.token(), 10)) == [2, 3]


async def test_a_write_is_too_old_if_what_followed_it_may_be_gone(database_url: str) -> None:
    async with State(database_url) as state:
        feed = feeds_of(state, Bell())
        [write] = await state.log.append([_group(state)], EPOCH)
        await _publish_at(state, EPOCH + 9 * DAY, 1)
        await _settled(state)
        state.now = EPOCH + DAY
        assert numbers(await feed.read("changes", state.workspace, write.token(), 10)) == [1]
        state.now = EPOCH + DAY + 1
        with pytest.raises(BadRequest) as refusal:
            await feed.read("changes", state.workspace, write.token(), 10)
        assert refusal.value.code == "POSITION_TOO_OLD"


def _group(state: State) -> Any:
    return Group(
        state.workspace, [recorded(plain_event("m", "View", EPOCH, identifiers=[("user_id", "u")], verified=True))]
    )


async def _publish_at(state: State, now: int, *some: int) -> None:
    async with state.database.write() as connection:
        await store.append(connection, state.workspace, [change(number) for number in some], now)


async def _settled(state: State) -> None:
    """On PostgreSQL other tests' transactions may hold the end back."""
    async with asyncio.timeout(SECONDS):
        while True:
            async with state.database.read() as connection:
                if len(await store.read_after(connection, state.workspace, None, 1_000)) == await _published(state):
                    return
            await asyncio.sleep(0.01)


async def _published(state: State) -> int:
    async with state.database.read() as connection:
        return await connection.scalar(select(func.coalesce(func.sum(instance_changes.c.changes), 0))) or 0
