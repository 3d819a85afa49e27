"""A customer token follows its one customer: what events disclose, and nothing of the feeds of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from gateway.relay import global_id
from gateway.streams.http import Streaming
from infra.chassis.errors import BadRequest
from tests.gateway.documents import customer, event, instance, principal
from tests.gateway.feeds import change, told
from tests.gateway.harness import Gateway, gateway
from tests.gateway.served import served
from tests.gateway.streams.clients import SECONDS, Json, first_of, socket
from tests.gateway.streams.test_transports import Answers, over_multipart, over_sse, over_websocket
from tests.gateway.stubs import authenticate

ADA = {"type": "user_id", "value": "ada"}
CHANGES = "subscription { instanceChanged { position instanceId instance { status customer { firstSeenAt } } } }"
EVENTS = "subscription { eventRecorded { name properties } }"
READ = {"changes": "/internal/disclosed/feeds/changes/read", "events": "/internal/disclosed/feeds/events/read"}


def token(*scopes: str, **more: Any) -> Json:
    return principal(*scopes, kind="CUSTOMER") | {"customer": ADA} | more


class Ada:
    """What may be told to her, as it grows. Positions are numbers; pages hold two items."""

    def __init__(self, api: Gateway) -> None:
        self.items: list[Json] = []
        self.profiles = ["p1"]
        self.due_in: float | None = None
        self._api = api
        for path in READ.values():
            api.events.answers[f"POST {path}"] = self.read

    def read(self, body: Json) -> Json:
        assert body["discloseTo"] == ADA
        after = body["after"] or str(len(self.items))
        if not after.isdecimal():
            raise BadRequest("not a position", code="BAD_POSITION")
        end = min(int(after) + 2, len(self.items))
        return {
            "items": self.items[int(after) : end],
            "next": str(end),
            "more": end < len(self.items),
            "profiles": self.profiles,
            "dueIn": self.due_in,
        }

    def goes_on(self, *items: Json) -> None:
        self.items += [item | {"position": str(len(self.items) + number)} for number, item in enumerate(items, 1)]

    def rings(self, *names: str) -> None:
        """An event that names these profiles is told to whoever follows the workspace."""
        self._api.feeds.add("events", told(names=list(names)))

    def reads(self, feed: str = "changes") -> list[str | None]:
        return [body["after"] for body in self._api.events.bodies(READ[feed])]


def changed(id: str = "i1", **more: Any) -> Json:
    return change(id) | {"instance": instance(id)} | more


def recorded(name: str, **more: Any) -> Json:
    return {"id": "1-0", "customerId": "k1", "journeys": [], "event": event(name=name)} | more


@pytest.fixture(params=[over_websocket, over_sse, over_multipart])
def answers(request: pytest.FixtureRequest) -> Answers:
    chosen: Answers = request.param
    return chosen


def tokens(api: Gateway) -> None:
    api.events.answers["POST /internal/authenticate"] = authenticate(
        {"a.b.c": token("events:write", "pii:read"), "bare.b.c": token(), "sk_all": principal("customers:read")}
    )
    api.events.answers["POST /internal/disclosed/customers/read"] = lambda _: {"customers": [customer()]}


@pytest.fixture
def ada(api: Gateway) -> Ada:
    tokens(api)
    return Ada(api)


async def until_settled(ada: Ada, reads: int, feed: str = "changes") -> None:
    """So many looks were taken, and then somebody waits."""
    async with asyncio.timeout(SECONDS):
        while len(ada.reads(feed)) < reads:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def next_of(listener: AsyncGenerator[Json, None]) -> Json:
    return await asyncio.wait_for(anext(listener), SECONDS)


async def test_it_is_told_what_may_be_told_as_it_happens(address: str, ada: Ada, answers: Answers) -> None:
    ada.goes_on(changed("before"))
    async with aclosing(answers(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        ada.goes_on(changed("i7"))
        ada.rings("p1")
        assert await coming == {
            "data": {
                "instanceChanged": {
                    "position": "2",
                    "instanceId": global_id("JourneyInstance", "i7"),
                    "instance": {"status": "ACTIVE", "customer": {"firstSeenAt": "2026-03-01T10:00:00Z"}},
                }
            },
            "extensions": {"position": "2"},
        }
    assert ada.reads() == [None, "1", "1"]


async def test_whatever_hangs_on_it_is_asked_for_on_her_behalf(api: Gateway, address: str, ada: Ada) -> None:
    ada.goes_on(changed("i7"))
    query = 'subscription { instanceChanged(after: "0") { instance { status customer { firstSeenAt } } } }'
    await first_of(over_sse(address, query, key="a.b.c"), 1)
    assert {path.split("/")[2] for path in api.events.paths()} == {"disclosed"}
    assert all(call.body["discloseTo"] == ADA for call in api.events.calls if call.path != "/internal/authenticate")


async def test_events_come_with_all_that_is_in_them(api: Gateway, address: str, ada: Ada, answers: Answers) -> None:
    ada.goes_on(recorded("View", event=event(name="View", properties={"sku": "B-43"})), recorded("Buy"))
    query = 'subscription { eventRecorded(after: "0") { name properties } }'
    heard = await first_of(answers(address, query, key="a.b.c"), 2)
    assert heard == [
        {"data": {"eventRecorded": told_event}, "extensions": {"position": str(number)}}
        for number, told_event in enumerate(
            [{"name": "View", "properties": {"sku": "B-43"}}, {"name": "Buy", "properties": {}}], 1
        )
    ]
    assert set(api.events.paths()) == {READ["events"]}


async def test_personal_fields_need_their_scope(address: str, ada: Ada, answers: Answers) -> None:
    ada.goes_on(recorded("View"))
    query = 'subscription { eventRecorded(after: "0") { name properties } }'
    [heard] = await first_of(answers(address, query, key="bare.b.c"), 1)
    assert [(error["path"], error["extensions"]["code"]) for error in heard["errors"]] == [
        (["eventRecorded", "properties"], "FORBIDDEN")
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('instanceChanged(after: "0")', ["1", "2", "3", "4", "5"]),
        ('instanceChanged(after: "3")', ["4", "5"]),
        ('instanceChanged(after: "0", journey: "other")', ["2"]),
        ('instanceChanged(after: "0", status: [COMPLETED])', ["3", "4"]),
        ('instanceChanged(after: "0", identifier: {type: "user_id", value: "ada"})', ["1", "2", "3", "4", "5"]),
    ],
)
async def test_changes_are_told_as_they_are_asked_for(address: str, ada: Ada, field: str, expected: list[str]) -> None:
    ada.goes_on(
        changed(),
        changed(journeyKey="other"),
        changed(status="COMPLETED"),
        changed(previousStatus="COMPLETED", correction=True),
        changed(),
    )
    answers = over_sse(address, f"subscription {{ {field} {{ position }} }}", key="a.b.c")
    heard = await first_of(answers, len(expected))
    assert [answer["extensions"]["position"] for answer in heard] == expected


@pytest.mark.parametrize(
    "field",
    [
        'instanceChanged(identifier: {type: "user_id", value: "bob"}) { position }',
        'instanceChanged(identifier: {type: "email", value: "ada"}) { position }',
        'eventRecorded(identifier: {type: "customer_id", value: "k1"}) { name }',
        'insightsChanged(journey: "shop") { instances }',
    ],
)
async def test_it_may_not_ask_about_anybody_else(api: Gateway, address: str, ada: Ada, field: str) -> None:
    for answers in (over_websocket, over_sse, over_multipart):
        [heard] = await first_of(answers(address, f"subscription {{ {field} }}", key="a.b.c"), 1)
        assert [error["extensions"]["code"] for error in heard["errors"]] == ["FORBIDDEN"]
    assert (api.events.paths(), api.feeds.followers) == ([], [])


async def test_nothing_of_the_feeds_of_the_workspace_reaches_it(api: Gateway, address: str, ada: Ada) -> None:
    """Not even if they say that it is about her: it is what events disclose that counts."""
    api.feeds.customers["k1"] = ["k1", "p1"]
    async with aclosing(over_sse(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        assert api.feeds.followers == [("events", "default")]
        api.feeds.add("changes", change(customerId="k1"))
        ada.rings("p1")
        await until_settled(ada, 3)
        ada.rings("p2", "k1")  # somebody else's
        ada.goes_on(changed("mine"))
        ada.rings("p1")
        assert (await coming)["extensions"]["position"] == "1"
    assert ada.reads() == [None, "0", "0", "0"]


async def test_a_burst_is_looked_at_once(address: str, ada: Ada) -> None:
    async with aclosing(over_sse(address, EVENTS, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2, "events")
        for number in range(200):
            ada.goes_on(recorded(f"Event {number}"))
            ada.rings("p1")
        heard = [await coming, *[await next_of(listener) for _ in range(199)]]
    assert [answer["extensions"]["position"] for answer in heard] == [str(number) for number in range(1, 201)]
    pages = ada.reads("events")
    assert len(pages) == len(set(pages)) + 1  # by the bell one look, from which on page follows page


async def test_who_is_linked_with_her_is_listened_to_as_well(address: str, ada: Ada) -> None:
    async with aclosing(over_sse(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        ada.profiles = ["p1", "visitor"]
        ada.rings("p1")
        await until_settled(ada, 4)  # once more, for what happened before it listened
        ada.goes_on(changed("i7"))
        ada.rings("visitor")
        assert (await coming)["extensions"]["position"] == "1"


async def test_silence_is_news_when_it_has_lasted(address: str, ada: Ada) -> None:
    ada.due_in = 0.0
    async with aclosing(over_sse(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        ada.goes_on(changed(status="ABANDONED"))
        assert (await coming)["extensions"]["position"] == "1"


async def test_a_position_that_cannot_be_gone_on_from_is_refused(address: str, ada: Ada, answers: Answers) -> None:
    query = 'subscription { instanceChanged(after: "nonsense") { position } }'
    [heard] = await first_of(answers(address, query, key="a.b.c"), 1)
    assert [error["extensions"]["code"] for error in heard["errors"]] == ["BAD_POSITION"]


async def test_an_upstream_that_goes_away_is_waited_for(api: Gateway, address: str, ada: Ada) -> None:
    async with aclosing(over_sse(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        api.events.answers[f"POST {READ['changes']}"] = lambda _: 1 / 0
        ada.rings("p1")
        await until_settled(ada, 3)
        ada.goes_on(changed("i7"))
        api.events.answers[f"POST {READ['changes']}"] = ada.read
        assert (await coming)["extensions"]["position"] == "1"


async def test_one_that_is_away_from_the_beginning_is_not(api: Gateway, address: str, answers: Answers) -> None:
    tokens(api)
    api.events.answers[f"POST {READ['changes']}"] = lambda _: 1 / 0
    [heard] = await first_of(answers(address, CHANGES, key="a.b.c"), 1)
    assert [error["extensions"]["code"] for error in heard["errors"]] == ["UPSTREAM_UNAVAILABLE"]


@pytest.mark.parametrize("answers", [over_sse, over_multipart])
async def test_when_it_ends_its_subscriptions_say_so(answers: Answers) -> None:
    async with gateway(streaming=Streaming(key_look_seconds=3_600)) as api, served(api.app) as address:
        ada = Ada(api)
        known = {"a.b.c": token(expiresAt=api.clock.now + 200_000)}
        api.events.answers["POST /internal/authenticate"] = authenticate(known)
        async with aclosing(answers(address, CHANGES, key="a.b.c")) as listener:
            coming = asyncio.ensure_future(next_of(listener))
            await until_settled(ada, 2)
            known.clear()
            api.clock.now += 200_000
            [error] = (await coming)["errors"]
            assert (error["message"], error["extensions"]) == (
                "The key or customer token has expired or was revoked.",
                {"code": "UNAUTHENTICATED"},
            )
            assert [answer async for answer in listener] == []


async def test_when_it_ends_its_connection_does() -> None:
    async with (
        gateway(streaming=Streaming(key_look_seconds=3_600)) as api,
        served(api.app) as address,
        socket(f"ws://{address}/graphql") as one,
    ):
        ada = Ada(api)
        known = {"a.b.c": token(expiresAt=api.clock.now + 200_000)}
        api.events.answers["POST /internal/authenticate"] = authenticate(known)
        await one.init("a.b.c")
        await one.subscribe("a", CHANGES)
        await until_settled(ada, 2)
        known.clear()
        api.clock.now += 200_000
        error = await one.hear()
        assert (error["type"], error["payload"][0]["extensions"]) == ("error", {"code": "UNAUTHENTICATED"})
        assert await one.closed() == (4403, "The key is no longer good")


@pytest.mark.parametrize("key", ["expired.b.c", "other.b.c"])
async def test_one_that_is_not_good_hears_nothing(api: Gateway, address: str, key: str) -> None:
    """Expired, forged, of a workspace that is not there: events know none of them."""
    tokens(api)
    async with socket(f"ws://{address}/graphql") as one:
        await one.say(type="connection_init", payload={"Authorization": f"Bearer {key}"})
        code, reason = await one.closed()
        assert (code, reason.partition(":")[0]) == (4401, "UNAUTHENTICATED")
    response = await api.post(CHANGES, key=key, headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHENTICATED")
    assert (api.events.paths(), api.feeds.followers) == ([], [])


async def test_a_token_hears_of_its_workspace_alone(api: Gateway, address: str) -> None:
    other = token() | {"workspace": "other"}
    api.events.answers["POST /internal/authenticate"] = authenticate({"a.b.c": other})
    ada = Ada(api)
    ada.goes_on(changed())
    query = 'subscription { instanceChanged(after: "0") { position } }'
    await first_of(over_sse(address, query, key="a.b.c"), 1)
    assert {call.workspace for call in api.events.calls if call.path in READ.values()} == {"other"}


async def test_when_the_gateway_stops_it_is_told(api: Gateway, address: str, ada: Ada, answers: Answers) -> None:
    async with aclosing(answers(address, CHANGES, key="a.b.c")) as listener:
        coming = asyncio.ensure_future(next_of(listener))
        await until_settled(ada, 2)
        api.app.end_subscriptions()
        assert [error["extensions"]["code"] for error in (await coming)["errors"]] == ["GOING_AWAY"]


async def test_when_nobody_listens_any_more_nothing_is_left(
    api: Gateway, address: str, ada: Ada, answers: Answers
) -> None:
    before = asyncio.all_tasks()
    tasks = [asyncio.create_task(first_of(answers(address, CHANGES, key="a.b.c"), 99)) for _ in range(10)]
    await until_settled(ada, 20)
    assert api.feeds.followers == [("events", "default")]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(SECONDS):
        while api.feeds.followers or asyncio.all_tasks() - before:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
