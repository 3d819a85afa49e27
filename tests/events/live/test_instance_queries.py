"""Instances are read by id, customer, filter and event, with the phase and touchpoint of their own version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.state import State

Json = dict[str, Any]
USER, EMAIL, ANONYMOUS = ("user_id", "u1"), ("email", "ada@example.org"), ("anonymous_id", "a1")
VIEWED = {"key": "viewed", "name": "Product page", "channel": "web", "recognisedBy": 'name == "View"', "lanes": []}
BOUGHT = {"key": "bought", "name": "Paid", "channel": "any", "recognisedBy": 'name == "Buy"'}
LOOK = {"key": "look", "name": "Look around", "mandatory": False, "touchpoints": [VIEWED]}
BUY = {"key": "buy", "name": "Buy", "touchpoints": [BOUGHT]}


def journey(key: str = "shop", version: int = 1, **fields: Any) -> Json:
    return {"key": key, "name": key, "version": version, "phases": [LOOK, BUY], "goal": 'name == "Buy"'} | fields


def event(message_id: str, day: float, identifier: tuple[str, str] = USER, name: str = "View", **more: Any) -> Json:
    moment = EPOCH + int(day * DAY)
    return plain_event(message_id, name, moment, identifiers=[identifier], verified=True) | more


def ids(page: Json | None) -> list[str] | None:
    return None if page is None else [item["id"] for item in page["items"]]


async def test_an_instance_shows_whole_phases_and_touchpoints_as_its_version_published_them(database_url: str) -> None:
    renamed = {**LOOK, "name": "Orient"}
    async with State(database_url) as state:
        await state.publish(journey(), journey(version=2, phases=[renamed, BUY]))
        customer = await state.customer(USER)
        open_one = await state.instance("open", customer, key="A-1")
        ended = {"status": "ABANDONED", "ended_at": EPOCH + 8 * DAY, "due_at": None, "version": 2, "touchpoint": None}
        drop = {"drop_reason": "PAUSED", "drop_phase": "buy", "drop_at": EPOCH + 8 * DAY, "drop_evidence": "1-0 2-3"}
        dropped = await state.instance("dropped", customer, run=2, **ended, **drop)
        common = {
            "journeyKey": "shop",
            "customerId": customer,
            "startedAt": "2026-01-01T00:00:00Z",
            "lastEventAt": "2026-01-02T00:00:00Z",
        }
        assert await state.post("/internal/instances/read", ids=[dropped, "00" * 16, "x", open_one]) == {
            "instances": [
                common
                | {
                    "id": dropped,
                    "version": 2,
                    "key": None,
                    "run": 2,
                    "status": "ABANDONED",
                    "phase": renamed,
                    "touchpoint": None,
                    "endedAt": "2026-01-09T00:00:00Z",
                    "dueAt": None,
                    "dropOff": {
                        "reason": "PAUSED",
                        "phase": BUY,
                        "at": "2026-01-09T00:00:00Z",
                        "evidence": ["1-0", "2-3"],
                    },
                },
                None,
                None,
                common
                | {
                    "id": open_one,
                    "version": 1,
                    "key": "A-1",
                    "run": 1,
                    "status": "ACTIVE",
                    "phase": LOOK,
                    "touchpoint": VIEWED,
                    "endedAt": None,
                    "dueAt": "2026-01-09T00:00:00Z",
                    "dropOff": None,
                },
            ]
        }


async def test_an_instance_whose_model_is_not_there_is_still_an_instance(database_url: str) -> None:
    async with State(database_url) as state:
        instance = await state.instance("one", await state.customer(USER))
        [found] = (await state.post("/internal/instances/read", ids=[instance]))["instances"]
        assert (found["id"], found["phase"], found["touchpoint"]) == (instance, None, None)


async def test_each_customer_has_a_page_of_their_instances_newest_start_first(database_url: str) -> None:
    async with State(database_url) as state:
        one, two = await state.customer(USER), await state.customer(EMAIL, ANONYMOUS)
        oldest = await state.instance("oldest", one, started_at=EPOCH)
        same = sorted(
            [await state.instance(name, one, started_at=EPOCH + DAY) for name in ("b", "c", "d")], reverse=True
        )
        other = await state.instance("other", two, journey="claim", status="PAUSED", key="A-1")

        path, old_id = "/internal/instances/of-customers", state.profile(ANONYMOUS).hex()
        pages = (await state.post(path, customers=[two, "nobody", one, old_id], first=3))["pages"]
        assert [ids(page) for page in pages] == [[other], None, same, [other]]
        assert [page and page["totalCount"] for page in pages] == [1, None, 4, 1]
        assert [page and page["hasNextPage"] for page in pages] == [False, None, True, False]

        [rest] = (await state.post(path, customers=[one], first=3, after=pages[2]["endCursor"]))["pages"]
        assert (ids(rest), rest["hasNextPage"], rest["hasPreviousPage"], rest["totalCount"]) == (
            [oldest],
            False,
            True,
            4,
        )
        [end] = (await state.post(path, customers=[one], first=3, after=rest["endCursor"]))["pages"]
        assert (ids(end), end["endCursor"], end["totalCount"]) == ([], None, 4)

        for filters in ({"journey": "claim"}, {"key": "A-1"}, {"status": ["PAUSED", "COMPLETED"]}):
            pages = (await state.post(path, customers=[one, two], **filters))["pages"]
            assert [(ids(page), page["totalCount"]) for page in pages] == [([], 0), ([other], 1)]


FILTERS: list[tuple[Json, list[str]]] = [
    ({}, ["d", "c", "b", "a"]),
    ({"journey": "claim"}, ["d"]),
    ({"version": 2}, ["c"]),
    ({"status": ["ABANDONED"]}, ["b"]),
    ({"status": ["ABANDONED", "PAUSED"]}, ["d", "b"]),
    ({"status": []}, []),
    ({"phase": "buy"}, ["c"]),
    ({"key": "A-1"}, ["a"]),
    ({"dropOffReason": "EXTRA_COST"}, ["b"]),
    ({"startedIn": {"from": "2026-01-02T00:00:00Z"}}, ["d", "c", "b"]),
    ({"startedIn": {"from": "2026-01-02T01:00:00+01:00", "to": "2026-01-03T00:00:00Z"}}, ["b"]),
    ({"startedIn": {"to": "2026-01-02T00:00:00Z"}}, ["a"]),
    ({"startedIn": {}}, ["d", "c", "b", "a"]),
    ({"endedIn": {"from": "2026-01-09T00:00:00Z", "to": "2026-01-10T00:00:00Z"}}, ["b"]),
    ({"endedIn": {"to": "2026-01-09T00:00:00Z"}}, []),
    ({"journey": "shop", "status": ["ACTIVE"], "startedIn": {"from": "2026-01-02T00:00:00Z"}}, ["c"]),
]


async def test_a_filter_lets_pass_what_meets_all_of_it(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER)
        dropped = {"status": "ABANDONED", "drop_reason": "EXTRA_COST", "drop_at": EPOCH, "ended_at": EPOCH + 8 * DAY}
        names = {
            await state.instance("a", customer, key="A-1"): "a",
            await state.instance("b", customer, started_at=EPOCH + DAY, **dropped): "b",
            await state.instance("c", customer, started_at=EPOCH + 2 * DAY, version=2, phase="buy"): "c",
            await state.instance("d", customer, started_at=EPOCH + 3 * DAY, journey="claim", status="PAUSED"): "d",
        }
        for where, expected in FILTERS:
            found: list[str] = []
            after = None
            while True:
                page = await state.post("/internal/instances/query", where=where, first=2, after=after)
                assert page["totalCount"] == len(expected), where
                found += [names[item["id"]] for item in page["items"]]
                if not page["hasNextPage"]:
                    break
                after = page["endCursor"]
            assert found == expected, where
        everything = await state.post("/internal/instances/query")
        assert everything["totalCount"] == 4
        state.workspace = "other"
        assert (await state.post("/internal/instances/query"))["totalCount"] == 0


async def test_filters_that_mean_nothing_are_refused_with_the_place(sqlite_url: str) -> None:
    cases: list[tuple[Json, str, list[str]]] = [
        ({"persona": "family"}, "UNSUPPORTED_FILTER", ["where", "persona"]),
        ({"status": ["LOST"]}, "INVALID", ["where", "status", "0"]),
        ({"dropOffReason": "BORED"}, "INVALID", ["where", "dropOffReason"]),
        ({"version": 2**31}, "INVALID", ["where", "version"]),
        ({"colour": "red"}, "INVALID", ["where", "colour"]),
        ({"started_in": {}}, "INVALID", ["where", "started_in"]),
        ({"startedIn": {"from": "yesterday"}}, "INVALID", ["where", "startedIn", "from"]),
        ({"startedIn": {"to": "2026-01-02T00:00:00"}}, "INVALID", ["where", "startedIn", "to"]),
    ]
    async with State(sqlite_url) as state:
        for where, code, path in cases:
            assert await state.refusal("/internal/instances/query", where=where) == (422, code, [path]), where
        for cursor in ("x", "aQ", "", "dGFi"):
            assert await state.refusal("/internal/instances/query", after=cursor) == (400, "BAD_CURSOR", [])
        too_many = ["x"] * 101
        for path, field in (("of-customers", "customers"), ("read", "ids"), ("of-events", "events")):
            refusal = await state.refusal(f"/internal/instances/{path}", **{field: too_many})
            assert refusal == (422, "INVALID", [[field]])
        assert await state.refusal("/internal/steps", instances=[], first=101) == (422, "INVALID", [["first"]])


async def test_the_steps_of_an_instance_come_oldest_first_page_by_page(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(journey())
        customer = await state.customer(USER)
        events = await state.record(event("m2", 2), event("m1", 1, channel="web", device="mobile"), event("m3", 3))
        instance, other = (
            await state.instance("one", customer, *events),
            await state.instance("two", customer, events[0], journey="gone"),
        )
        body: Json = {"instances": [other, "x", instance, "00" * 16], "first": 2}
        [second, *unknown, page] = (await state.post("/internal/steps", **body))["pages"][:3]
        assert unknown == [None]
        assert [step["eventId"] for step in page["items"]] == [events[1], events[0]]
        assert page["items"][0] == {
            "instanceId": instance,
            "touchpoint": VIEWED,
            "phase": LOOK,
            "direction": "STAY",
            "channel": "web",
            "device": "mobile",
            "occurredAt": "2026-01-02T00:00:00Z",
            "eventId": events[1],
        }
        assert (page["hasNextPage"], page["hasPreviousPage"], page["totalCount"]) == (True, False, None)
        assert [(step["eventId"], step["phase"]) for step in second["items"]] == [(events[0], None)]

        [rest] = (await state.post("/internal/steps", instances=[instance], after=page["endCursor"]))["pages"]
        assert [step["eventId"] for step in rest["items"]] == [events[2]]
        assert (rest["hasNextPage"], rest["hasPreviousPage"]) == (False, True)


async def test_an_event_leads_to_every_instance_that_took_it(database_url: str) -> None:
    async with State(database_url) as state:
        customer, stranger = await state.customer(ANONYMOUS, USER), await state.customer(EMAIL)
        taken, once, left = await state.record(event("m0", 0), event("m1", 1, ANONYMOUS), event("m2", 0.5))
        shop = await state.instance("shop", customer, taken, once)
        claim = await state.instance("claim", customer, taken, journey="claim", started_at=EPOCH - DAY)
        await state.instance("stranger", stranger)
        [repeat] = await state.log_only(event("m0", 0, properties={"another": "content"}))
        asked = [once, "x", taken, left, repeat.id, taken]
        answer = await state.post("/internal/instances/of-events", events=asked)
        found = [[instance["id"] for instance in some] for some in answer["instances"]]
        assert found == [[shop], [], [shop, claim], [], [], [shop, claim]]


async def test_runs_that_interleave_keep_their_steps_apart(database_url: str) -> None:
    async with State(database_url) as state:
        customer = await state.customer(USER)
        events = await state.record(*(event(f"m{number:02}", number / 4) for number in range(20)))
        even = await state.instance("even", customer, *events[0:12:2], key="A-1")
        odd = await state.instance("odd", customer, *events[1::2], key="B-1")
        for instance, expected in ((even, events[0:12:2]), (odd, events[1::2])):
            found: list[str] = []
            after = None
            for more in [True] * (len(expected) // 4) + [False]:
                [page] = (await state.post("/internal/steps", instances=[instance], first=4, after=after))["pages"]
                assert page["hasNextPage"] is more
                found += [step["eventId"] for step in page["items"]]
                after = page["endCursor"]
            assert found == expected

        # A cursor names a place in all histories: what stands behind it is found also where it names no step.
        [page] = (await state.post("/internal/steps", instances=[even], first=1))["pages"]
        [later] = (await state.post("/internal/steps", instances=[odd], first=2, after=page["endCursor"]))["pages"]
        assert [step["eventId"] for step in later["items"]] == [events[1], events[3]]


@pytest.mark.parametrize("hidden", ["BUILDING", "RETIRED"])
async def test_only_the_live_build_of_a_journey_is_there(database_url: str, hidden: str) -> None:
    async with State(database_url) as state:
        await state.publish(journey(), journey(version=2))
        build = await state.build("shop", hidden, [1, 2])
        customer = await state.customer(USER)
        events = await state.record(event("m1", 1), event("m2", 2), event("m3", 3))
        both = await state.instance("both", customer, events[0])
        await state.instance("both", customer, *events[:2], version=2, build=build)  # the same run, another schedule
        unseen = await state.instance("unseen", customer, events[2], run=2, version=2, build=build)

        [shown, nothing] = (await state.post("/internal/instances/read", ids=[both, unseen]))["instances"]
        assert (shown["id"], shown["version"], nothing) == (both, 1, None)
        for where in ({}, {"journey": "shop"}):
            page = await state.post("/internal/instances/query", where=where)
            assert ([item["version"] for item in page["items"]], page["totalCount"]) == ([1], 1)
        [page] = (await state.post("/internal/instances/of-customers", customers=[customer]))["pages"]
        assert ([item["version"] for item in page["items"]], page["totalCount"]) == ([1], 1)
        taken = (await state.post("/internal/instances/of-events", events=events))["instances"]
        assert [[item["version"] for item in some] for some in taken] == [[1], [], []]
        pages = (await state.post("/internal/steps", instances=[both, unseen]))["pages"]
        assert [page and [step["eventId"] for step in page["items"]] for page in pages] == [[events[0]], None]
        assert await state.get("/internal/journeys/shop/open-runs", instanceKeyOtherThan="x") == {"openRuns": 1}


@pytest.mark.parametrize(("stays", "goes"), [(USER, ANONYMOUS), (ANONYMOUS, USER)])
async def test_while_customers_merge_an_id_gives_the_run_of_who_is_still_there(
    database_url: str, stays: tuple[str, str], goes: tuple[str, str]
) -> None:
    async with State(database_url) as state:
        survivor = await state.customer(stays, goes)
        loser = state.profile(goes).hex()  # what it left behind is not folded away yet
        first, second = await state.record(event("m1", 1, goes), event("m2", 2, stays))
        instance = await state.instance("run", survivor, first, second)
        await state.instance("run", loser, first)
        left_behind = await state.instance("left", loser, first, journey="claim")  # the survivor's comes in a moment

        [found, left] = (await state.post("/internal/instances/read", ids=[instance, left_behind]))["instances"]
        assert (found["customerId"], found["lastEventAt"]) == (survivor, "2026-01-03T00:00:00Z")
        assert (left["id"], left["customerId"]) == (left_behind, loser)
        [page] = (await state.post("/internal/steps", instances=[instance]))["pages"]
        assert [step["eventId"] for step in page["items"]] == [first, second]
        taken_by = (await state.post("/internal/instances/of-events", events=[first]))["instances"]
        assert [[(item["id"], item["customerId"]) for item in some] for some in taken_by] == [[(instance, survivor)]]


async def test_open_runs_are_those_of_versions_that_read_another_key(database_url: str) -> None:
    async with State(database_url) as state:
        keyed = {"instanceKey": "properties.order_id"}
        await state.publish(journey(), journey(version=2, **keyed), journey(version=3, **keyed), journey("claim"))
        customer = await state.customer(USER)
        for name, version, due_at in (("a", 1, EPOCH), ("b", 2, EPOCH), ("c", 3, EPOCH), ("d", 3, None)):
            status = "ACTIVE" if due_at else "ABANDONED"
            await state.instance(name, customer, version=version, due_at=due_at, status=status)
        await state.instance("aftercare", customer, version=1, status="COMPLETED")
        await state.instance("claim", customer, journey="claim")

        async def open_runs(key: str, **query: str) -> int:
            answer = await state.get(f"/internal/journeys/{key}/open-runs", **query)
            return int(answer["openRuns"])

        assert await open_runs("shop", instanceKeyOtherThan="properties.order_id") == 2
        assert await open_runs("shop", instanceKeyOtherThan="properties.claim") == 4
        assert await open_runs("shop", instanceKeyOtherThan="") == 2
        assert await open_runs("shop") == 2
        assert await open_runs("claim") == 0
        assert await open_runs("unknown") == 0


async def test_batches_cost_the_same_queries_whatever_their_size(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(journey())
        people, instances, events = [], [], []
        for number in range(10):
            identifier = ("user_id", f"u{number}")
            people.append(await state.customer(identifier))
            events += await state.record(*(event(f"{number}.{day}", day / 10, identifier) for day in range(5)))
            instances.append(await state.instance(f"{number}", people[-1], *events[-5:]))
        await state.post("/internal/instances/of-events", events=events)  # warms models, secret and log rows
        costs: list[tuple[str, str, list[str], int]] = [
            ("/internal/instances/of-customers", "customers", people, 4),
            ("/internal/instances/read", "ids", instances, 2),
            ("/internal/instances/of-events", "events", events, 3),
            ("/internal/instances/explain", "instances", instances, 5),
            ("/internal/steps", "instances", instances, 3),
        ]
        for path, field, asked, cost in costs:
            for some in (asked[:1], asked):
                with state.statements() as statements:
                    await state.post(path, **{field: some})
                assert len(statements) == cost, (path, len(some))


@pytest.mark.parametrize("path", ["instances/read", "instances/of-events", "instances/of-customers", "steps"])
async def test_nothing_asked_is_nothing_answered(database_url: str, path: str) -> None:
    fields = {"instances/read": "ids", "instances/of-events": "events", "instances/of-customers": "customers"}
    async with State(database_url) as state:
        answer = await state.post(f"/internal/{path}", **{fields.get(path, "instances"): []})
        assert list(answer.values()) == [[]]
