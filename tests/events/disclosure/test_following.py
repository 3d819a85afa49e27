"""What is new for a customer, time after time: nothing missed, nothing twice, and nothing that is only claimed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from services.events.disclosure.position import Position, State
from services.events.intake.position import Place
from tests.events.disclosure.telling import telling
from tests.events.disclosure.test_claims import (
    ACCOUNT,
    ATTACKERS,
    ATTACKS,
    HIS_VISITOR,
    LIFE,
    SHOP,
    VICTIM,
    VICTIMS,
    VISITOR,
    claim,
    saying,
)
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import Reality
from tests.support.recording import recorded

Json = dict[str, Any]
CHANGES, EVENTS = "changes", "events"


@pytest.fixture(params=ATTACKS.values(), ids=ATTACKS.keys())
def attack(request: pytest.FixtureRequest) -> list[Json]:
    events: list[Json] = request.param
    return events


async def happen(reality: Reality, *events: Json, day: float) -> str:
    """These events come in on that day; the position of the write."""
    reality.now = EPOCH + round(day * DAY)
    place = await reality.record(events)
    await reality.project()
    return place.token()


def stands(changes: list[Json]) -> list[tuple[str | None, str | None, bool]]:
    return [(item["previousStatus"], item["status"], item["correction"]) for item in changes]


def names(events: list[Json]) -> list[str]:
    return [item["event"]["messageId"] for item in events]


async def test_a_customer_is_followed_step_by_step(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, LIFE[1], day=2)
        changes, events = [await asked.position(feed, VICTIM) for feed in (CHANGES, EVENTS)]
        heard: list[Json] = []
        # When she looks and buys, with other customers' events between
        for day, one in ((3, "View"), (4, "Buy")):
            await happen(reality, happening(f"o{day}", one, day, ("user_id", "other"), verified=True), day=day)
            await happen(reality, happening(f"m{day}", one, day, VICTIM, verified=True), day=day)
            fresh, changes = await asked.news(CHANGES, VICTIM, changes)
            told, events = await asked.news(EVENTS, VICTIM, events)
            assert (names(told), [item["journeys"] for item in told]) == ([f"m{day}"], [["shop"]])
            heard += fresh
        # Then each change is told once, with the instance as it is
        [instance] = (await asked.instances(VICTIM))["items"]
        assert stands(heard) == [(None, "ACTIVE", False), ("ACTIVE", "COMPLETED", False)]
        assert [item["instance"]["status"] for item in heard] == ["ACTIVE", "COMPLETED"]
        assert heard[1]["instance"] == instance
        assert [(item["instanceId"], item["at"], item["journeyKey"]) for item in heard] == [
            (instance["id"], "2026-01-04T00:00:00Z", "shop"),
            (instance["id"], "2026-01-05T00:00:00Z", "shop"),
        ]
        assert await asked.news(CHANGES, VICTIM, changes) == ([], changes)


async def test_whoever_comes_back_goes_on_where_they_were(database_url: str) -> None:
    """From every position, in pages of every size, also when more has happened meanwhile."""
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, LIFE[1], day=2)
        for feed in (CHANGES, EVENTS):
            start = await asked.position(feed, VICTIM)
            day = 3 if feed == CHANGES else 6
            runs = [
                happening(f"{name}{day}.{number}", name, day + number / 10, VICTIM, verified=True)
                for number in range(3)
                for name in ("View", "Buy")
            ]
            await happen(reality, *runs, day=day + 1)
            whole, _end = await asked.news(feed, VICTIM, start)
            assert len({item["position"] for item in whole}) == len(whole) == 6
            for size in (1, 4, 6):
                assert await asked.news(feed, VICTIM, start, size) == (whole, whole[-1]["position"])
            await happen(reality, happening(f"late{day}", "View", day + 1, VICTIM, verified=True), day=day + 1)
            whole, _end = await asked.news(feed, VICTIM, whole[0]["position"])
            positions = [start, *(item["position"] for item in whole)]
            for number, position in enumerate(positions[1:], 1):
                assert (await asked.news(feed, VICTIM, position, 2))[0] == whole[number:]


async def test_what_silence_means_is_told_when_it_is_over(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, happening("m1", "View", 1, VICTIM, verified=True), day=1)
        start = await asked.position(CHANGES, VICTIM)
        page = await asked.page(CHANGES, VICTIM, start)
        assert (page["items"], page["dueIn"]) == ([], 7 * 86_400)
        # When nothing is heard of her for longer than the patience of the map
        reality.now = EPOCH + 9 * DAY
        page = await asked.page(CHANGES, VICTIM, start)
        assert stands(page["items"]) == [("ACTIVE", "ABANDONED", False)]
        assert (page["items"][0]["at"], page["dueIn"]) == ("2026-01-09T00:00:00Z", None)
        assert (await asked.page(CHANGES, VICTIM, page["next"]))["items"] == []
        # And when an event comes late, this is taken back
        await happen(reality, happening("m2", "Buy", 3, VICTIM, verified=True), day=9)
        assert stands((await asked.news(CHANGES, VICTIM, page["next"]))[0]) == [("ABANDONED", "COMPLETED", True)]
        # But whoever did not hear of the one is told of the other alone
        assert stands((await asked.news(CHANGES, VICTIM, start))[0]) == [("ACTIVE", "COMPLETED", False)]


async def test_what_a_visitor_did_is_told_once_the_shop_knows_who_it_is(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, happening("m0", "Called", 0, VICTIM, verified=True), day=0)
        await happen(reality, LIFE[0], day=1)
        starts = {feed: await asked.position(feed, VICTIM) for feed in (CHANGES, EVENTS)}
        await happen(reality, saying("1", VICTIM, HIS_VISITOR, day=1.5), day=1.5)
        for feed, start in starts.items():
            assert await asked.news(feed, VICTIM, start) == ([], (await asked.page(feed, VICTIM, start))["next"])
        # When the shop's server says who has logged in
        await happen(reality, LIFE[1], day=2)
        # Then what the browser had sent is told, too; but not what was claimed
        changes, _ = await asked.news(CHANGES, VICTIM, starts[CHANGES])
        events, after = await asked.news(EVENTS, VICTIM, starts[EVENTS])
        assert (stands(changes), changes[0]["at"]) == ([(None, "ACTIVE", False)], "2026-01-02T00:00:00Z")
        assert (names(events), [item["journeys"] for item in events]) == (["v1", "v2"], [["shop"], []])
        # And from then on at once
        await happen(reality, LIFE[2], day=3)
        assert names((await asked.news(EVENTS, VICTIM, after))[0]) == ["v3"]


async def test_a_link_counts_from_when_it_was_first_said_not_from_when_it_was_first_true(database_url: str) -> None:
    """An older event comes later and says the same."""
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, LIFE[0], LIFE[1], day=2)
        starts = {feed: await asked.position(feed, VICTIM) for feed in (CHANGES, EVENTS)}
        again = happening("v0", "Identify", 0.5, VICTIM, VISITOR, verified=True, kind="identify")
        await happen(reality, again, day=2.5)
        assert (await asked.news(CHANGES, VICTIM, starts[CHANGES]))[0] == []
        assert names((await asked.news(EVENTS, VICTIM, starts[EVENTS]))[0]) == ["v0"]


async def test_an_instance_that_is_gone_leads_to_the_one_in_its_place(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, happening("m2", "View", 2, VICTIM, verified=True), day=2)
        start = await asked.position(CHANGES, VICTIM)
        await happen(reality, happening("m1", "View", 1, VICTIM, verified=True), day=2)
        changes, _ = await asked.news(CHANGES, VICTIM, start)
        [now] = (await asked.instances(VICTIM))["items"]
        assert stands(changes) == [(None, "ACTIVE", False), ("ACTIVE", None, True)]
        assert [item["instance"] for item in changes] == [now, now]
        assert (changes[0]["instanceId"], changes[1]["instanceId"] == now["id"]) == (now["id"], False)


async def test_behind_a_write_come_its_consequences_but_not_its_events(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        first = await happen(reality, happening("m1", "View", 1, VICTIM, verified=True), day=1)
        last = await happen(reality, happening("m2", "Buy", 2, VICTIM, verified=True), day=2)
        assert stands((await asked.news(CHANGES, VICTIM, first))[0]) == [
            (None, "ACTIVE", False),
            ("ACTIVE", "COMPLETED", False),
        ]
        assert stands((await asked.news(CHANGES, VICTIM, last))[0]) == [("ACTIVE", "COMPLETED", False)]
        assert names((await asked.news(EVENTS, VICTIM, first))[0]) == ["m2"]
        assert names((await asked.news(EVENTS, VICTIM, last))[0]) == []
        # And behind one that is not projected yet
        reality.now = EPOCH + 3 * DAY
        ahead = (await reality.record([happening("m3", "View", 3, VICTIM, verified=True)])).token()
        events, after = await asked.news(EVENTS, VICTIM, ahead)
        changes, behind = await asked.news(CHANGES, VICTIM, ahead)
        assert (events, changes) == ([], [])
        await happen(reality, happening("m4", "Buy", 4, VICTIM, verified=True), day=4)
        assert names((await asked.news(EVENTS, VICTIM, after))[0]) == ["m4"]
        assert stands((await asked.news(CHANGES, VICTIM, behind))[0]) == [
            (None, "ACTIVE", False),
            ("ACTIVE", "COMPLETED", False),
        ]


async def test_nobody_knows_the_first_event_but_everybody_is_told_of_it(database_url: str) -> None:
    """The profile of an identifier is known before it was ever named: an event that names it is news."""
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        page = await asked.page(CHANGES, VICTIM)
        assert len(page["profiles"]) == 1
        await happen(reality, *LIFE, day=5)
        changes, _ = await asked.news(CHANGES, VICTIM, page["next"])
        assert stands(changes) == [(None, "ACTIVE", False), ("ACTIVE", "COMPLETED", False)]
        known = await asked.page(CHANGES, VICTIM)
        assert (len(known["profiles"]), set(page["profiles"]) < set(known["profiles"])) == (3, True)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "nonsense",
        Place(1 << 60, 5).token(),
        Position(State(Place(0, 1), 5)).token(b"E"),
        Position(State(Place(0, 1), 5)).token(b"C") + "A",
        Position(State(Place(0, 1), 5)).token(b"C")[:-1],
        "C" * 63,
    ],
)
async def test_a_position_that_was_not_given_out_here_is_refused(sqlite_url: str, after: str) -> None:
    async with Reality(sqlite_url) as reality, telling(reality) as asked:
        with pytest.raises(AssertionError, match="BAD_POSITION"):
            await asked.page(CHANGES, VICTIM, after)


def test_positions_have_at_most_64_characters() -> None:
    largest = State(Place((1 << 56) - 1, (1 << 56) - 1), (1 << 56) - 1)
    position = Position.told_to(largest, largest, 5, 6)
    assert Position.parse(position.token(b"C"), b"C") == position
    assert len(position.token(b"C")) <= 64
    assert Position.told_to(State(Place(0, 1), 2), largest, 6, 6) == Position(largest)


# --- nothing that is only claimed ----------------------------------------------------------------------------------


async def test_a_claim_is_no_news_to_anybody(database_url: str, attack: list[Json]) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, *ACCOUNT, *LIFE, day=5)
        listening = [
            (feed, known, await asked.position(feed, known)) for feed in (CHANGES, EVENTS) for known in VICTIMS
        ]
        listening += [(feed, ATTACKERS[0], await asked.position(feed, ATTACKERS[0])) for feed in (CHANGES, EVENTS)]
        await happen(reality, *attack, day=6)
        for feed, known, start in listening:
            assert (await asked.news(feed, known, start))[0] == [], (feed, known)


async def test_who_has_claimed_to_be_somebody_is_told_nothing_of_what_they_do(
    database_url: str, attack: list[Json]
) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, *ACCOUNT, *attack, day=5)
        listening = [
            (feed, known, await asked.position(feed, known)) for feed in (CHANGES, EVENTS) for known in ATTACKERS
        ]
        for event in LIFE:
            await happen(reality, event, day=6)
            for feed, known, start in listening:
                assert (await asked.news(feed, known, start))[0] == [], (feed, known)


async def test_the_news_of_a_customer_are_the_same_whatever_is_claimed(database_url: str, attack: list[Json]) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        start = (await reality.publish([SHOP])).token()
        await happen(reality, *attack[:1], day=0)
        for event in (*ACCOUNT, *LIFE):
            await happen(reality, event, day=5)
        unharmed = {known: await asked.all_news(known, start) for known in (*VICTIMS, ATTACKERS[0])}
        await happen(reality, *attack, claim("more", *VICTIMS, *ATTACKERS), day=5)
        assert {known: await asked.all_news(known, start) for known in (*VICTIMS, ATTACKERS[0])} == unharmed
        for known in VICTIMS:
            assert names(unharmed[known]["events"]) == ["v1", "v2", "v3", "v4"]
            assert stands(unharmed[known]["changes"]) == [(None, "ACTIVE", False), ("ACTIVE", "COMPLETED", False)]
        assert names(unharmed[ATTACKERS[0]]["events"]) == ["a1", "a2"]


async def test_imported_history_is_no_news_but_what_follows_is(database_url: str) -> None:
    async with Reality(database_url) as reality, telling(reality) as asked:
        await reality.publish([SHOP])
        await happen(reality, LIFE[1], happening("m2", "View", 30, VICTIM, verified=True), day=31)
        changes, events = [await asked.position(feed, VICTIM) for feed in (CHANGES, EVENTS)]
        # When history comes in, and the patience with her last visit is over
        history = [happening(f"h{day}", name, day, VICTIM, verified=True) for day, name in ((10, "View"), (12, "Buy"))]
        await reality.append([structs.replace(recorded(one), imported=True) for one in history])
        reality.now = EPOCH + 40 * DAY
        await reality.project()
        # Then she hears of her visit alone
        fresh, changes = await asked.news(CHANGES, VICTIM, changes)
        assert [(*stand, item["at"]) for stand, item in zip(stands(fresh), fresh, strict=True)] == [
            ("ACTIVE", "ABANDONED", False, "2026-02-07T00:00:00Z")
        ]
        told, events = await asked.news(EVENTS, VICTIM, events)
        assert told == []
        # And if something happens while history comes in, of that
        await reality.append(
            [structs.replace(recorded(happening("h15", "View", 15, VICTIM, verified=True)), imported=True)]
        )
        await happen(reality, happening("m41", "Buy", 41, VICTIM, verified=True), day=41)
        assert stands((await asked.news(CHANGES, VICTIM, changes))[0]) == [
            ("ABANDONED", "ABANDONED", True),  # her visit has another number now
            (None, "COMPLETED", False),
        ]
        assert names((await asked.news(EVENTS, VICTIM, events))[0]) == ["m41"]
