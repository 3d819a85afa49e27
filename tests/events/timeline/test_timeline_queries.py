"""A customer's timeline is one list, however many profiles and log rows it is spread over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.timeline.queries import MOST_SCANNED
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.state import State

Json = dict[str, Any]
USER, EMAIL, ANONYMOUS = ("user_id", "u1"), ("email", "ada@example.org"), ("anonymous_id", "a1")


def event(message_id: str, day: float, identifier: tuple[str, str] = USER, **more: Any) -> Json:
    name = more.pop("name", "View")
    return plain_event(message_id, name, EPOCH + int(day * DAY), identifiers=[identifier], verified=False) | more


async def page(state: State, customer: str, **body: Any) -> Json:
    [found] = (await state.post("/internal/timelines", customers=[customer], **body))["pages"]
    return dict(found)


async def walk(state: State, customer: str, first: int, **body: Any) -> list[str]:
    """The message ids of a whole timeline, page by page."""
    found: list[str] = []
    seen, after = set(), None
    while True:
        got = await page(state, customer, first=first, after=after, **body)
        assert got["hasPreviousPage"] is (after is not None)
        assert len(got["items"]) == len(got["cursors"]) <= first
        found += [item["messageId"] for item in got["items"]]
        if not got["hasNextPage"]:
            return found
        assert got["endCursor"] not in seen
        after = got["endCursor"]
        seen.add(after)


async def test_an_event_shows_everything_as_it_was_sent(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER, ANONYMOUS, verified=[USER])
        sent = event("m", 1.25, properties={"n": 2**63, "x": 1.0, "é": "☃"}, channel="Web", device="mobile")
        [id] = await state.record(sent | {"identifiers": [USER, ANONYMOUS], "context": {"ip": None}})
        [item] = (await page(state, customer))["items"]
        assert item == {
            "id": id,
            "messageId": "m",
            "kind": "track",
            "name": "View",
            "source": "shop",
            "channel": "Web",
            "device": "mobile",
            "properties": {"n": 2**63, "x": 1.0, "é": "☃"},
            "context": {"ip": None},
            "identifiers": [
                {"type": "user_id", "value": "u1", "trust": "VERIFIED", "firstSeenAt": "2026-01-01T00:00:00Z"},
                {"type": "anonymous_id", "value": "a1", "trust": "CLAIMED", "firstSeenAt": "2026-01-01T00:00:00Z"},
            ],
            "occurredAt": "2026-01-02T06:00:00Z",
            "originalTimestamp": "2026-01-02T06:00:00Z",
            "sentAt": None,
            "receivedAt": "2026-01-02T06:00:00Z",
            "clamped": False,
        }
        assert await state.post("/internal/events/read", ids=[id]) == {"events": [item]}
        raw = await state.send("POST", "/internal/timelines", {"customers": [customer]})
        assert f'"properties":{{"n":{2**63},"x":1.0,"é":"☃"}}' in raw.text


async def test_the_profiles_of_a_customer_merge_into_one_list_newest_first(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER, EMAIL, ANONYMOUS)
        await state.record(event("m1", 1, ANONYMOUS), event("m4", 4, USER), event("m2", 2, EMAIL))
        await state.record(event("m3", 3, ANONYMOUS), event("m2b", 2, USER), event("m2a", 2, ANONYMOUS))
        for first in (1, 2, 3, 5, 6, 100):
            assert await walk(state, customer, first) == ["m4", "m3", "m2b", "m2a", "m2", "m1"]


async def test_an_event_that_comes_in_while_one_pages_moves_nothing(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER)
        await state.record(*(event(f"m{day}", day) for day in range(4)))
        start = await page(state, customer, first=2)
        assert [item["messageId"] for item in start["items"]] == ["m3", "m2"]
        await state.record(event("new", 9), event("late", 0.5))
        rest = await page(state, customer, first=2, after=start["cursors"][-1])
        assert [item["messageId"] for item in rest["items"]] == ["m1", "late"]
        assert rest["hasNextPage"]


async def test_each_customer_asked_has_a_page_of_their_own_in_the_order_asked(database_url: str) -> None:
    async with State(database_url) as state:
        one, two = await state.customer(USER), await state.customer(EMAIL, ANONYMOUS)
        await state.record(event("m1", 1, USER), event("m2", 2, ANONYMOUS), event("m3", 3, EMAIL))
        old_id = state.profile(ANONYMOUS).hex()
        answer = await state.post("/internal/timelines", customers=[two, "nobody", one, old_id], first=1)
        shown = [found and [item["messageId"] for item in found["items"]] for found in answer["pages"]]
        assert shown == [["m3"], None, ["m1"], ["m3"]]
        assert [found and found["hasNextPage"] for found in answer["pages"]] == [True, None, False, True]


async def test_a_page_of_none_tells_whether_there_are_any(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER)
        empty = {"items": [], "cursors": [], "endCursor": None, "hasPreviousPage": False, "totalCount": None}
        assert await page(state, customer, first=0) == empty | {"hasNextPage": False}
        await state.record(event("m1", 1))
        assert await page(state, customer, first=0) == empty | {"hasNextPage": True}


async def test_filters_let_pass_what_meets_all_of_them(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER, ANONYMOUS)
        ids = await state.record(
            event("m1", 1, channel="web"),
            event("m2", 2, ANONYMOUS, channel="app"),
            event("m3", 3, channel="web", name="Buy"),
            event("m4", 4, ANONYMOUS),
        )
        await state.instance("one", customer, ids[0], ids[2])
        await state.instance("two", customer, ids[1], journey="claim")
        cases: list[tuple[Json, list[str]]] = [
            ({"channel": ["web"]}, ["m3", "m1"]),
            ({"channel": ["app", "web"]}, ["m3", "m2", "m1"]),
            ({"name": ["View"]}, ["m4", "m2", "m1"]),
            ({"name": ["View"], "channel": ["web"]}, ["m1"]),
            ({"journey": "shop"}, ["m3", "m1"]),
            ({"journey": "claim"}, ["m2"]),
            ({"journey": "shop", "name": ["Buy"]}, ["m3"]),
            ({"journey": "none"}, []),
            ({"channel": []}, []),
        ]
        for filters, expected in cases:
            for first in (1, 2, 10):
                assert await walk(state, customer, first, **filters) == expected, filters


async def test_the_steps_of_a_journey_are_those_of_its_live_build(database_url: str) -> None:
    async with State(database_url) as state:
        customer, other = await state.customer(USER, ANONYMOUS), await state.customer(EMAIL)
        retired, building = [await state.build("shop", hidden) for hidden in ("RETIRED", "BUILDING")]
        ids = await state.record(*(event(f"m{day}", day, (USER, ANONYMOUS)[day % 2]) for day in range(6)))
        [of_other] = await state.record(event("other", 3, EMAIL))
        await state.instance("other", other, of_other)
        await state.instance("hidden", customer, *ids, build=building)
        await state.instance("old", customer, ids[5], build=retired)
        for first in (1, 2, 10):
            assert await walk(state, customer, first, journey="shop") == []
        await state.instance("one", customer, ids[0], ids[3])
        await state.instance("two", customer, ids[4], ids[1], key="A-1")
        for first in (1, 2, 3, 10):
            assert await walk(state, customer, first, journey="shop") == ["m4", "m3", "m1", "m0"]


async def test_one_call_looks_at_so_many_events_and_says_where_to_go_on(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        customer = await state.customer(USER)
        day = 1 / 10_000
        ordinary = [event(f"m{number}", number * day) for number in range(1, MOST_SCANNED + 10)]
        await state.record(event("wanted", 0, name="Buy"), *ordinary)
        with state.statements() as statements:
            start = await page(state, customer, first=2, name=["Buy"])
        assert (start["items"], start["cursors"], start["hasNextPage"]) == ([], [], True)
        assert len(statements) <= 10
        rest = await page(state, customer, first=2, name=["Buy"], after=start["endCursor"])
        assert [item["messageId"] for item in rest["items"]] == ["wanted"]
        assert not rest["hasNextPage"]


async def test_an_event_that_is_not_there_is_null_in_its_place(database_url: str) -> None:
    async with State(database_url) as state:
        [id] = await state.record(event("m1", 1))
        seq = id.partition("-")[0]
        unknown = ["", "x", f"{seq}-9", "999999-0", f"{2**63}-0", f"1-{2**80}"]
        answer = await state.post("/internal/events/read", ids=[*unknown, id])
        assert [found and found["messageId"] for found in answer["events"]] == [None] * 6 + ["m1"]
        state.workspace = "other"
        assert await state.post("/internal/events/read", ids=[id]) == {"events": [None]}


async def test_an_event_that_is_not_projected_yet_vouches_for_its_own_identifiers(database_url: str) -> None:
    async with State(database_url) as state:
        [entry] = await state.log_only(event("m1", 1, verified=True))
        [found] = (await state.post("/internal/events/read", ids=[entry.id]))["events"]
        assert found["identifiers"] == [
            {"type": "user_id", "value": "u1", "trust": "VERIFIED", "firstSeenAt": "2026-01-02T00:00:00Z"}
        ]


async def test_timelines_cost_the_same_queries_whatever_is_asked(database_url: str) -> None:
    async with State(database_url) as state:
        people = [
            await state.customer(("user_id", f"u{number}"), *(("email", f"{number}.{n}@x") for n in range(5)))
            for number in range(10)
        ]
        ids = [
            id
            for number in range(10)
            for id in await state.record(*(event(f"{number}.{n}", n, ("email", f"{number}.{n}@x")) for n in range(5)))
        ]
        await state.post("/internal/events/read", ids=ids)  # warms the cache of log rows
        for many in (1, 10):
            with state.statements() as statements:
                await state.post("/internal/timelines", customers=people[:many], first=3)
            assert len(statements) == 3
            with state.statements() as statements:
                await state.post("/internal/timelines", customers=people[:many], first=3, journey="shop")
            assert len(statements) == 2  # there are no events to name the identifiers of
            with state.statements() as statements:
                await state.post("/internal/events/read", ids=ids[:many])
            assert len(statements) == 1


@pytest.mark.parametrize("cursor", ["x", "", "dA", "dGFi", "äö", "cgAAAAAAAAABAAAAAA", "dA==", "t" * 50])
async def test_a_cursor_of_another_origin_is_refused(sqlite_url: str, cursor: str) -> None:
    async with State(sqlite_url) as state:
        customer = await state.customer(USER)
        refusal = await state.refusal("/internal/timelines", customers=[customer], after=cursor)
        assert refusal == (400, "BAD_CURSOR", [])


async def test_requests_of_another_shape_are_refused_with_the_place(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        path = "/internal/timelines"
        assert await state.refusal(path, customers=["x"] * 101) == (422, "INVALID", [["customers"]])
        assert await state.refusal(path, customers=[], first=101) == (422, "INVALID", [["first"]])
        assert await state.refusal(path, customers=[], first=-1) == (422, "INVALID", [["first"]])
        assert await state.refusal(path, customers=[], channels=[]) == (422, "INVALID", [["channels"]])
        assert await state.refusal("/internal/events/read", ids=["1-0"] * 101) == (422, "INVALID", [["ids"]])


def test_walking_by_any_step_gives_the_whole_in_order(database_url: str) -> None:
    """Whatever the profiles, moments and pages are."""
    numbers = count()
    histories = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=25)
    with asyncio.Runner() as runner:
        state = runner.run(State(database_url).__aenter__())

        @settings(max_examples=40, deadline=None)
        @given(history=histories, first=st.integers(1, 8), only_web=st.booleans())
        def holds(history: Sequence[tuple[int, int, bool]], first: int, only_web: bool) -> None:
            runner.run(check(history, first, only_web))

        async def check(history: Sequence[tuple[int, int, bool]], first: int, only_web: bool) -> None:
            example = next(numbers)
            profiles = [("anonymous_id", f"{example}.{number}") for number in range(4)]
            customer = await state.customer(*profiles)
            events = [
                event(f"{example}.{number}", moment, profiles[profile], channel="web" if web else None)
                for number, (profile, moment, web) in enumerate(history)
            ]
            if events:
                await state.record(*events)
            whole = sorted(events, key=lambda one: (one["occurredAt"], one["messageId"]), reverse=True)
            expected = [one["messageId"] for one in whole if one["channel"] == "web" or not only_web]
            filters = {"channel": ["web"]} if only_web else {}
            assert await walk(state, customer, first, **filters) == expected

        holds()
        runner.run(state.__aexit__())
