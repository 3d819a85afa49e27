"""Events as a feed: each once, in the order of the log, when everything that follows from it can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from infra.chassis.errors import BadRequest
from services.events import tables
from services.events.feeds.feed import FeedPage
from services.events.identity.queries import CustomerQueries
from services.events.intake.slots import Refused
from services.events.timeline.feed import EventFeed, EventTold
from services.events.timeline.position import EventPlace
from services.events.timeline.reader import EntryReader
from tests.events.projector.hands import Hands, customer_of
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded

ANNA, SAME = ("email", "anna@example.org"), ("crm_id", "7")


class Listener:
    """Reads on from where it was."""

    def __init__(self, reality: Reality) -> None:
        customers = CustomerQueries(reality.state, reality.log)
        self.reader = EntryReader(reality.log)
        self.feed = EventFeed(reality.state, reality.log, self.reader, customers, reality.progress.visible_until)
        self.position: str | None = None

    async def news(self) -> list[EventTold]:
        page = await self.feed.read(WORKSPACE, self.position, 1_000)
        self.position = page.next
        return list(page.items)


@asynccontextmanager
async def reality(database_url: str) -> AsyncIterator[tuple[Reality, Listener]]:
    async with Reality(database_url) as opened:
        opened.now = EPOCH + 10 * DAY
        yield opened, Listener(opened)


async def names(listener: Listener) -> list[str]:
    """The message ids of what is told."""
    found = await listener.reader.read(WORKSPACE, [_place(one.id) for one in await listener.news()])
    return [entry.message_id for entry in found if entry is not None]


def _place(id: str) -> tuple[int, int]:
    seq, slot = id.split("-")
    return int(seq), int(slot)


async def test_every_event_is_told_once_whatever_is_sent_again(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        one, two = event("a", "View", 1, USER), event("b", "View", 2, ANNA)
        refused = Refused("website", EPOCH, "BAD_VALUE", "no", (), b"{}")
        await here.append([recorded(one), refused, recorded(two), recorded(one)])
        await here.record([two, one | {"name": "Another"}])
        await here.project()
        assert await names(listener) == ["a", "b"]
        assert await names(listener) == []
        await here.record([one, event("c", "View", 3, USER)])
        await here.project()
        assert await names(listener) == ["c"]


async def test_an_event_is_told_when_it_is_folded_with_the_journeys_that_took_it(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        await here.publish([SHOP, SHOP | {"key": "second"}])
        await here.project()
        async with Hands(here) as hands:
            await here.record([event("v", "View", 1, USER), event("x", "Elsewhere", 2, USER)])
            assert await listener.news() == []
            await hands.identify()
            assert await listener.news() == []
            await hands.finish()
        told = await listener.news()
        assert [(one.journeys, one.customer_id) for one in told] == [
            (["second", "shop"], customer_of(*USER).hex()),
            ([], customer_of(*USER).hex()),
        ]


async def test_a_page_names_all_ids_of_the_customers_in_it(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        await here.record([event("a", "View", 2, ANNA), event("b", "View", 1, USER)])
        await here.record([event("c", "View", 3, USER, ANNA)])
        await here.project()
        page = await listener.feed.read(WORKSPACE, None, 1_000)
        both = sorted([customer_of(*USER).hex(), customer_of(*ANNA).hex()])
        assert {one.customer_id for one in page.items} == {customer_of(*USER).hex()}
        assert {customer: sorted(ids) for customer, ids in page.customers.items()} == {customer_of(*USER).hex(): both}


async def test_from_every_position_the_rest_is_told(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        numbers = iter(range(100))
        for size in (1, 4, 2, 3):
            await here.record([event(f"m{next(numbers)}", "View", 1, USER) for _ in range(size)])
        await here.project()
        whole = (await listener.feed.read(WORKSPACE, None, 1_000)).items
        assert len(whole) == 10
        for start in range(10):
            for size in (1, 2, 3, 5, 20):
                found: list[Any] = list(whole[:start])
                position = found[-1].position if found else None
                while len(found) < 10:
                    page = await listener.feed.read(WORKSPACE, position, size)
                    found += page.items
                    position = page.next
                assert found == whole
                assert await listener.feed.read(WORKSPACE, position, size) == FeedPage([], {}, position or "")


async def test_one_may_go_on_from_a_write(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        await here.record([event("a", "View", 1, USER)])
        write = await here.record([event("b", "View", 1, USER)])
        await here.record([event("c", "View", 1, USER)])
        await here.project()
        listener.position = write.token()
        assert await names(listener) == ["c"]


async def test_the_end_is_behind_all_that_is_visible(database_url: str) -> None:
    async with reality(database_url) as (here, listener):
        for number in range(3):
            listener.position = await listener.feed.end(WORKSPACE)
            await here.record([event(f"m{number}", "View", number, USER)])
            assert await listener.feed.end(WORKSPACE) == listener.position
            await here.project()
            assert await names(listener) == [f"m{number}"]


@pytest.mark.parametrize("wrong", ["", "x", "é" * 34, "Z" * 34, "c" * 34, "!" * 22])
async def test_only_positions_of_this_feed_are_taken(sqlite_url: str, wrong: str) -> None:
    async with reality(sqlite_url) as (_here, listener):
        with pytest.raises(BadRequest) as refusal:
            await listener.feed.read(WORKSPACE, wrong, 1)
        assert refusal.value.code == "BAD_POSITION"


def test_positions_sort_as_events_do() -> None:
    places = [EventPlace(xid, seq, slot) for xid in (0, 1, 40) for seq in (0, 7, 300) for slot in (0, 9, 2**32 - 1)]
    assert [EventPlace.parse(place.token()) for place in places] == places
    assert sorted(place.token() for place in reversed(places)) == [place.token() for place in places]


async def test_while_a_customer_waits_to_be_folded_nothing_behind_is_told(database_url: str) -> None:
    async with reality(database_url) as (here, listener), Hands(here) as hands:
        await here.record([event("a", "View", 1, USER)])
        await hands.finish()
        await here.record([event("b", "View", 2, ANNA)])
        await here.record([event("c", "View", 3, USER)])
        await hands.identify()
        assert await names(listener) == ["a"]
        await hands.finish()
        assert await names(listener) == ["b", "c"]
        assert await here.rows(tables.dirty) == []


async def test_imported_history_is_no_news(database_url: str) -> None:
    async with reality(database_url) as (opened, listener):
        imported = msgspec.structs.replace(recorded(event("m1", "View", 1, USER)), imported=True)
        await opened.append([imported])
        await opened.record([event("m2", "View", 2, USER)])
        await opened.project()
        assert await names(listener) == ["m2"]
