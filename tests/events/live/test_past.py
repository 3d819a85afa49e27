"""What the internal calls about the past answer: the events until the moment, and nothing that came after it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.events.tables import stuck
from tests.support.histories import EPOCH
from tests.support.lives import Life, happening
from tests.support.state import State

Json = dict[str, Any]
USER, EMAIL, ANONYMOUS = ("user_id", "u1"), ("email", "ada@example.org"), ("anonymous_id", "a1")
VIEWED = {"key": "viewed", "name": "V", "channel": "web", "recognisedBy": 'name == "View"'}
PAID = {"key": "paid", "name": "P", "recognisedBy": 'name == "Pay"'}
BOUGHT = {"key": "bought", "name": "B", "recognisedBy": 'name == "Buy"'}
LOOK = {"key": "look", "name": "Look", "touchpoints": [VIEWED]}
BUY = {"key": "buy", "name": "Buy", "touchpoints": [PAID, BOUGHT]}


def shop(key: str = "shop", **more: Any) -> Json:
    return {
        "key": key,
        "name": key,
        "version": 1,
        "effectiveFrom": None,
        "publishedAt": "2026-01-01T00:00:00Z",
        "phases": [LOOK, BUY],
        "goal": 'name == "Buy"',
        "patience": "P7D",
    } | more


def day(number: float) -> str:
    """The moment so many days after day 0, as calls name it."""
    whole, part = divmod(round(number * 24), 24)
    return f"2026-01-{whole + 1:02}T{part:02}:00:00Z"


async def instances(state: State, life: Life, moment: str, **more: Any) -> list[Json]:
    [page] = (await state.post("/internal/past/instances/of-customers", asOf=moment, customers=[life.id], **more))[
        "pages"
    ]
    items: list[Json] = page["items"]
    return items


async def timeline(state: State, life: Life, moment: str, **more: Any) -> Json:
    [page] = (await state.post("/internal/past/timelines", asOf=moment, customers=[life.id], **more))["pages"]
    found: Json = page
    return found


def names(page: Json) -> list[str]:
    return [item["messageId"] for item in page["items"]]


async def test_a_customer_has_what_was_known_by_then(database_url: str) -> None:
    async with State(database_url) as state:
        life = Life(state, ANONYMOUS)
        first, *_ = await life.goes_on(
            happening("m0", "View", 0, ANONYMOUS),
            happening("m1", "Identify", 1, USER, ANONYMOUS, kind="identify", traits={"plan": "free", "age": 41}),
            happening("m2", "Identify", 2, USER, verified=True, kind="identify", traits={"plan": {"n": 2**60}}),
            happening("m3", "View", 3, EMAIL, USER, traits={"plan": "no identify"}),
        )

        async def seen(moment: str) -> Json | None:
            asked = [{"type": type, "value": value} for type, value in (USER, ("user_id", "nobody"))]
            found = await state.post("/internal/past/customers/find", asOf=moment, identifiers=asked)
            by_id = await state.post("/internal/past/customers/read", asOf=moment, ids=[life.id, "x"])
            assert by_id == found
            customer: Json | None = found["customers"][0]
            return customer

        def identifier(type: str, value: str, number: float, trust: str = "CLAIMED") -> Json:
            return {"type": type, "value": value, "trust": trust, "firstSeenAt": day(number)}

        assert await seen("2025-12-31T23:59:59.999999Z") is None
        assert await seen(day(0)) == {
            "id": life.id,
            "identifiers": [identifier(*ANONYMOUS, 0)],
            "traits": {},
            "traitHistory": [],
            "firstSeenAt": day(0),
            "lastSeenAt": day(0),
            "firstEventId": first,
        }
        assert await seen("2026-01-03T00:59:59.999999+01:00") == {
            "id": life.id,
            "identifiers": [identifier(*USER, 1), identifier(*ANONYMOUS, 0)],
            "traits": {"plan": "free", "age": 41},
            "traitHistory": [
                {"key": "age", "value": 41, "occurredAt": day(1), "source": "shop"},
                {"key": "plan", "value": "free", "occurredAt": day(1), "source": "shop"},
            ],
            "firstSeenAt": day(0),
            "lastSeenAt": day(1),
            "firstEventId": first,
        }
        customer = await seen(day(30))
        assert customer is not None
        assert customer["identifiers"] == [
            identifier(*USER, 1, "VERIFIED"),
            identifier(*EMAIL, 3),
            identifier(*ANONYMOUS, 0),
        ]
        assert customer["traits"] == {"plan": {"n": 2**60}, "age": 41}
        assert (customer["firstSeenAt"], customer["lastSeenAt"]) == (day(0), day(3))


async def test_an_instance_stands_as_it_stood(database_url: str) -> None:
    async with State(database_url) as state:
        rules = {"pausedWhen": 'name == "Pause"', "instanceKey": "properties.order"}
        reasons = [{"reason": "DELIVERY_TIME", "when": 'name == "Pause"'}]
        await state.publish(shop(**rules, dropOffReasons=reasons))
        life = Life(state, USER)
        view, _pay, pause = await life.goes_on(
            happening("m0", "View", 0, USER),
            happening("m1", "Pay", 1, USER, properties={"order": "A"}),
            happening("m2", "Pause", 2, USER, properties={"order": "A"}),
        )
        common: Json = {
            "id": (await instances(state, life, day(0)))[0]["id"],
            "journeyKey": "shop",
            "version": 1,
            "customerId": life.id,
            "run": 1,
            "startedAt": day(0),
            "endedAt": None,
            "dropOff": None,
        }
        in_buy = {"key": "A", "phase": BUY, "touchpoint": PAID}
        assert [await instances(state, life, day(when)) for when in (0, 1.5, 2)] == [
            [
                common
                | {"key": None, "status": "ACTIVE", "phase": LOOK, "touchpoint": VIEWED}
                | {"lastEventAt": day(0), "dueAt": day(7)}
            ],
            [common | in_buy | {"status": "ACTIVE", "lastEventAt": day(1), "dueAt": day(8)}],
            [common | in_buy | {"status": "PAUSED", "lastEventAt": day(2), "dueAt": "2026-04-03T00:00:00Z"}],
        ]
        # What silence will do shows when the moment lies ahead.
        [abandoned] = await instances(state, life, "2026-04-03T00:00:00Z")
        assert (abandoned["status"], abandoned["endedAt"], abandoned["dueAt"]) == (
            "ABANDONED",
            "2026-04-03T00:00:00Z",
            None,
        )
        assert abandoned["dropOff"] == {
            "reason": "DELIVERY_TIME",
            "phase": BUY,
            "at": "2026-04-03T00:00:00Z",
            "evidence": [pause],
        }
        assert await instances(state, life, "2025-12-31T00:00:00Z") == []

        run = {"customer": life.id, "instance": common["id"]}
        stranger = {"customer": life.id, "instance": "00" * 16}
        asked: list[Json] = [run, stranger, run | {"customer": "x"}, run | {"instance": "x"}]
        pages = (await state.post("/internal/past/steps", asOf=day(1), instances=asked, first=1))["pages"]
        assert pages[1:] == [None, None, None]
        assert pages[0]["items"] == [
            {
                "instanceId": common["id"],
                "touchpoint": VIEWED,
                "phase": LOOK,
                "direction": "START",
                "channel": "web",
                "device": None,
                "occurredAt": day(0),
                "eventId": view,
            }
        ]
        assert (pages[0]["hasNextPage"], pages[0]["hasPreviousPage"], pages[0]["totalCount"]) == (True, False, None)
        after = pages[0]["endCursor"]
        [rest] = (await state.post("/internal/past/steps", asOf=day(1), instances=[run], after=after))["pages"]
        assert [(step["touchpoint"]["key"], step["direction"]) for step in rest["items"]] == [("paid", "FORWARD")]
        assert (rest["hasNextPage"], rest["hasPreviousPage"]) == (False, True)


async def test_instances_come_in_pages_newest_start_first(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(shop(instanceKey="properties.order"), shop("claim", instanceKey="properties.order"))
        life, other = Life(state, USER), Life(state, EMAIL)
        await life.goes_on(*(happening(f"m{n}", "Pay", n, USER, properties={"order": n}) for n in range(4)))
        await life.goes_on(happening("m9", "Buy", 3, USER, properties={"order": 3}))
        await other.goes_on(happening("o", "Pay", 9, EMAIL))

        async def page(**more: Any) -> tuple[list[tuple[str, str]], Json]:
            body: Json = {"asOf": day(3), "customers": ["x", life.id, other.id], **more}
            unknown, found, late = (await state.post("/internal/past/instances/of-customers", **body))["pages"]
            assert (unknown, late["items"], late["totalCount"]) == (None, [], 0)
            return [(item["journeyKey"], item["key"]) for item in found["items"]], found

        everything, whole = await page()
        assert [key for _journey, key in everything] == ["3", "3", "2", "2", "1", "1", "0", "0"]
        assert (whole["totalCount"], whole["hasNextPage"], whole["hasPreviousPage"]) == (8, False, False)
        first, found = await page(first=5)
        assert (first, found["totalCount"], found["hasNextPage"]) == (everything[:5], 8, True)
        rest, found = await page(first=5, after=found["endCursor"])
        assert (rest, found["totalCount"], found["hasNextPage"], found["hasPreviousPage"]) == (
            everything[5:],
            8,
            False,
            True,
        )
        assert (await page(journey="claim"))[0] == [("claim", str(number)) for number in (3, 2, 1, 0)]
        assert (await page(journey="claim", status=["COMPLETED", "PAUSED"]))[0] == [("claim", "3")]
        assert sorted((await page(key="2"))[0]) == [("claim", "2"), ("shop", "2")]
        nothing, found = await page(status=[])
        assert (nothing, found["totalCount"], found["endCursor"]) == ([], 0, None)


async def test_a_timeline_ends_at_the_moment(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(shop(), shop("claim", phases=[BUY]))
        life = Life(state, USER)
        kinds = [("View", "web"), ("Pay", "app"), ("Other", "web"), ("View", "app"), ("Pay", "web"), ("View", "web")]
        await life.goes_on(
            *(happening(f"m{n}", name, n, USER, channel=channel) for n, (name, channel) in enumerate(kinds))
        )
        page = await timeline(state, life, day(4), first=2)
        assert (names(page), page["hasNextPage"], page["hasPreviousPage"]) == (["m4", "m3"], True, False)
        page = await timeline(state, life, day(4), first=2, after=page["endCursor"])
        assert (names(page), page["hasNextPage"], page["hasPreviousPage"]) == (["m2", "m1"], True, True)
        page = await timeline(state, life, day(4), first=2, after=page["endCursor"])
        assert (names(page), page["hasNextPage"]) == (["m0"], False)
        # A cursor from behind the moment does not lead there.
        today = (await state.post("/internal/timelines", customers=[life.id], first=1))["pages"][0]
        assert names(today) == ["m5"]
        assert names(await timeline(state, life, day(2), after=today["endCursor"])) == ["m2", "m1", "m0"]

        filters: list[tuple[Json, list[str]]] = [
            ({"name": ["View"]}, ["m3", "m0"]),
            ({"channel": ["web"]}, ["m4", "m2", "m0"]),
            ({"channel": ["web"], "name": ["Pay", "View"]}, ["m4", "m0"]),
            ({"journey": "claim"}, ["m4", "m1"]),
            ({"journey": "claim", "channel": ["app"]}, ["m1"]),
            ({"journey": "shop"}, ["m4", "m3", "m1", "m0"]),
            ({"journey": "gone"}, []),
            ({"name": []}, []),
        ]
        for wanted, expected in filters:
            assert names(await timeline(state, life, day(4), **wanted)) == expected, wanted
            found: list[str] = []
            after = None
            while True:
                page = await timeline(state, life, day(4), first=1, after=after, **wanted)
                found += names(page)
                if not page["hasNextPage"]:
                    break
                after = page["endCursor"]
            assert found == expected, wanted


async def test_an_event_tells_what_was_known_of_its_identifiers_and_who_had_taken_it(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(shop(), shop("claim", instanceKey="properties.order"))
        life = Life(state, USER)
        view, _vouched, buy = await life.goes_on(
            happening("m0", "View", 0, USER),
            happening("m1", "Other", 1, USER, verified=True),
            happening("m2", "Buy", 2, USER, properties={"order": "A"}),
        )
        [repeat] = await state.log_only(happening("m0", "View", 0, USER, properties={"another": "content"}))
        asked = [buy, view, "x", repeat.id]

        async def seen(moment: str) -> tuple[list[str | None], list[list[Any]]]:
            read = (await state.post("/internal/past/events/read", asOf=moment, ids=asked[:3]))["events"]
            trust = [one and one["identifiers"][0]["trust"] for one in read]
            takers = (await state.post("/internal/past/instances/of-events", asOf=moment, events=asked))["instances"]
            return trust, [sorted((one["journeyKey"], one["status"], one["key"]) for one in some) for some in takers]

        then = [("claim", "ACTIVE", None), ("shop", "ACTIVE", None)]
        assert await seen(day(0)) == ([None, "CLAIMED", None], [[], then, [], []])
        assert await seen(day(1)) == ([None, "VERIFIED", None], [[], then, [], []])
        now = [("claim", "COMPLETED", "A"), ("shop", "COMPLETED", None)]
        assert await seen(day(2)) == (["VERIFIED", "VERIFIED", None], [now, now, [], []])


async def test_who_writes_into_the_past_reads_it_there(database_url: str) -> None:
    """What was folded before is not given out once events, identities or versions say something else."""
    async with State(database_url) as state:
        await state.publish(shop())
        life = Life(state, ANONYMOUS)
        await life.goes_on(happening("m0", "View", 0, ANONYMOUS), happening("m9", "Buy", 12, ANONYMOUS))

        async def told() -> list[tuple[str, int, str]]:
            found = await instances(state, life, day(12))
            return sorted((one["journeyKey"], one["run"], one["status"]) for one in found)

        assert await told() == [("shop", 1, "ABANDONED"), ("shop", 2, "COMPLETED")]
        await life.goes_on(happening("m5", "View", 6, ANONYMOUS))  # a late event
        assert await told() == [("shop", 1, "COMPLETED")]
        await life.goes_on(happening("m6", "Buy", 6, USER, ANONYMOUS))  # a merge
        merged = [("shop", 1, "COMPLETED"), ("shop", 2, "COMPLETED")]
        assert await told() == merged
        await state.publish(shop("claim", phases=[LOOK]))
        assert await told() == [("claim", 1, "COMPLETED"), *merged]
        await life.goes_on(happening("m7", "View", 13, ANONYMOUS))
        assert len(await told()) == 3


async def test_the_calls_of_one_question_fold_once(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        await state.publish(shop())
        life = Life(state, USER)
        for hundred in range(12):  # rows of the log
            some = range(100 * hundred, 100 * hundred + 100)
            await life.goes_on(*(happening(f"m{n}", "View", n / 100, USER) for n in some))
        body: Json = {"asOf": day(12), "customers": [life.id]}
        path = "/internal/past/instances/of-customers"
        with state.statements() as statements:
            several = await asyncio.gather(*(state.post(path, **body) for _ in range(3)))
        assert several[1:] == several[:2]
        assert sum("FROM log" in statement for statement in statements) == 3, "portions of 500 events, once"
        with state.statements() as statements:
            assert await state.post(path, **body) == several[0]
        assert len(statements) == 5
        assert not any("FROM log" in statement for statement in statements)
        run = {"customer": life.id, "instance": several[0]["pages"][0]["items"][0]["id"]}
        [page] = (await state.post("/internal/past/steps", asOf=day(12), instances=[run], first=100))["pages"]
        assert len(page["items"]) == 100


async def test_an_event_that_cannot_be_folded_is_left_out_as_today(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        await state.publish(shop())
        life = Life(state, USER)
        _view, poison = await life.goes_on(happening("m0", "View", 0, USER), happening("m1", "Buy", 1, USER))
        [instance] = await instances(state, life, day(1))
        assert instance["status"] == "COMPLETED"
        row = {"customer": bytes.fromhex(life.id), "event": poison, "key": b"k", "partition": 0}
        await state.add(stuck, row | {"error": "ValueError", "since": EPOCH})
        [instance] = await instances(state, life, day(1))
        assert instance["status"] == "ACTIVE"
        assert names(await timeline(state, life, day(1))) == ["m1", "m0"]


@pytest.mark.parametrize("moment", [None, "yesterday", "2026-01-01T00:00:00"])
async def test_a_moment_that_names_none_is_refused(sqlite_url: str, moment: str | None) -> None:
    async with State(sqlite_url) as state:
        bodies: dict[str, Json] = {
            "customers/find": {"identifiers": []},
            "customers/read": {"ids": []},
            "timelines": {"customers": []},
            "events/read": {"ids": []},
            "instances/of-customers": {"customers": []},
            "instances/of-events": {"events": []},
            "steps": {"instances": []},
        }
        for path, body in bodies.items():
            refusal = await state.refusal(f"/internal/past/{path}", **body, asOf=moment)
            assert refusal == (422, "INVALID", [["asOf"]]), path
            answer = await state.post(f"/internal/past/{path}", **body, asOf=day(0))
            assert list(answer.values()) == [[]], path


async def test_cursors_of_other_lists_are_refused(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        for path, body in (
            ("timelines", {"customers": []}),
            ("instances/of-customers", {"customers": []}),
            ("steps", {"instances": []}),
        ):
            refusal = await state.refusal(f"/internal/past/{path}", **body, asOf=day(0), after="dGFi")
            assert refusal == (400, "BAD_CURSOR", []), path
