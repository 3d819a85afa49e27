"""Whatever the order and the batches in which events arrive: customers, traits and instances equal the oracles'."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events import tables
from services.events.timeline.store import CONFLICTING_DUPLICATE
from tests.oracle import identity as identity_oracle
from tests.oracle import journey as journey_oracle
from tests.support import random_histories
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import Reality

Json = dict[str, Any]
SHOP = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "V", "recognisedBy": 'name == "View"'}],
        },
        {"key": "buy", "name": "Buy", "touchpoints": [{"key": "bought", "name": "B", "recognisedBy": 'name == "Buy"'}]},
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}


def event(message_id: str, name: str, day: float, *identifiers: tuple[str, str], **more: Any) -> Json:
    return plain_event(message_id, name, EPOCH + int(day * DAY), identifiers=list(identifiers), verified=True) | more


ANONYMOUS, USER = ("anonymous_id", "a"), ("user_id", "u")


async def test_two_devices_become_one_customer_when_they_are_identified(database_url: str) -> None:
    """Worked example 14, through log, identities and fold."""
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        reality.now = EPOCH + 2 * DAY
        await reality.record([event("m0", "View", 0, ANONYMOUS), event("m1", "Buy", 1, USER)])
        await reality.project()
        assert [one["events"] for one in await reality.customers()] == [["m0"], ["m1"]]

        await reality.record([event("m2", "Identify", 2, USER, ANONYMOUS, kind="identify", traits={"plan": "gold"})])
        await reality.project()

        [customer] = await reality.customers()
        assert customer["events"] == ["m0", "m1", "m2"]
        assert customer["traits"] == {"plan": "gold"}
        assert customer["instances"] == journey_oracle.fold(
            [SHOP], [event("m0", "View", 0), event("m1", "Buy", 1)], reality.now
        )


async def test_a_repeated_message_changes_nothing_and_another_content_is_kept_as_rejected(database_url: str) -> None:
    async with Reality(database_url) as reality:
        first = event("m0", "View", 0, USER, properties={"total": 1})
        await reality.record([first, first])
        await reality.record([first, first | {"properties": {"total": 2}}])
        await reality.project()

        [customer] = await reality.customers()
        assert customer["events"] == ["m0"]
        [rejected] = await reality.rows(tables.rejected_events)
        assert rejected[5] == CONFLICTING_DUPLICATE
        assert b'"total":2' in rejected[8]


async def test_silence_abandons_without_an_event(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        reality.now = EPOCH + DAY
        await reality.record([event("m0", "View", 0, USER)])
        await reality.project()
        [customer] = await reality.customers()
        assert customer["instances"][0]["status"] == "ACTIVE"

        reality.now = EPOCH + 7 * DAY
        await reality.project()

        [customer] = await reality.customers()
        assert customer["instances"][0]["status"] == "ABANDONED"
        assert customer["instances"][0]["endedAt"] == EPOCH + 7 * DAY


async def test_a_journey_published_later_reads_what_was_recorded_before(database_url: str) -> None:
    async with Reality(database_url) as reality:
        reality.now = EPOCH
        await reality.record([event("m0", "Buy", 0, USER)])
        await reality.project()
        place = await reality.publish([SHOP])
        assert (await reality.progress.status("default")).lag == 1
        assert not await reality.progress.reached("default", place)

        await reality.project()

        assert await reality.progress.reached("default", place)
        status = await reality.progress.status("default")
        assert (status.position, status.logged, status.lag, status.rebuilding) == (place, 2, 0, False)
        [customer] = await reality.customers()
        assert customer["instances"][0]["status"] == "COMPLETED"


async def test_a_restarted_projector_goes_on_where_the_former_one_stopped(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        await reality.record([event("m0", "View", 0, USER)])
        await reality.project()
        await reality.restart()
        await reality.record([event("m1", "View", 1, USER)])
        await reality.project()
        [customer] = await reality.customers()
        assert customer["events"] == ["m0", "m1"]


_IDENTIFIERS = [
    ("user_id", "u1"), ("user_id", "u2"), ("user_id", "u3"),
    ("email", "e1"), ("crm_id", "c1"), ("anonymous_id", "a1"), ("anonymous_id", "a2"), ("loyalty", "l1"),
]  # fmt: skip


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Json], list[Json], list[int], int]:
    """A journey, events in the order in which they arrive, how they are batched, and the moment of looking."""
    case = draw(random_histories.cases())
    events = []
    for one in case.events:
        some = draw(st.lists(st.sampled_from(_IDENTIFIERS), min_size=1, max_size=3, unique=True))
        whole = one | {"identifiers": some, "verified": draw(st.booleans())}
        whole["identifiers"] = identity_oracle.by_strength(whole)
        if one["kind"] == "identify":
            whole["traits"] = draw(st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=2))
        events.append(whole)
    arrived = draw(
        st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=2) if events else st.just([])))
    )
    return case.journeys, list(arrived), draw(st.lists(st.integers(1, 4), max_size=6)), case.now


async def projected(url: str, arrival: tuple[list[Json], list[Json], list[int], int]) -> list[Json]:
    journeys, events, sizes, now = arrival
    async with Reality(url) as reality:
        reality.now = now
        published = False
        for size in [*sizes, len(events)]:
            batch, events = events[:size], events[size:]
            if batch:
                await reality.record(batch)
            await reality.project()
            if not published:
                await reality.publish(journeys)
                published = True
        await reality.project()
        customers = await reality.customers()
    return [{name: value for name, value in one.items() if name != "id"} for one in customers]


def expected(arrival: tuple[list[Json], list[Json], list[int], int]) -> list[Json]:
    journeys, events, _sizes, now = arrival
    by_id = {one["messageId"]: one for one in events}
    return [
        customer | {"instances": journey_oracle.fold(journeys, [by_id[id] for id in customer["events"]], now)}
        for customer in identity_oracle.customers(events)
    ]


def unique_messages(events: list[Json]) -> bool:
    return len({one["messageId"] for one in events}) == len({(one["messageId"], one["source"]) for one in events})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrival=arrivals().filter(lambda arrival: unique_messages(arrival[1])))
def test_any_arrival_gives_what_the_oracles_say_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, arrival: Any
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('reality') / 'test.db'}"
    assert asyncio.run(projected(url, arrival)) == expected(arrival)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrival=arrivals().filter(lambda arrival: unique_messages(arrival[1])))
def test_any_arrival_gives_what_the_oracles_say_on_postgresql(postgresql: PostgresServer, arrival: Any) -> None:
    with fresh_postgresql(postgresql) as url:
        assert asyncio.run(projected(url, arrival)) == expected(arrival)


async def test_the_id_of_a_run_that_a_late_event_dissolves_goes_on_to_resolve(database_url: str) -> None:
    """Worked example 5."""
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        reality.now = EPOCH + 12 * DAY
        await reality.record([event("m0", "View", 0, USER), event("m12", "Buy", 12, USER)])
        await reality.project()
        first, second = sorted(await reality.rows(tables.instances), key=lambda row: row.run)

        await reality.record([event("m6", "View", 6, USER)])
        await reality.project()

        [instance] = await reality.rows(tables.instances)
        assert instance.instance == first.instance
        [former] = await reality.rows(tables.former_instances)
        assert former[1:] == (second.instance, "shop", "2-1")
