"""Subscribers of the running platform, with clients that others wrote: nothing is missed, nothing is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.gateway.streams.clients import Json, first_of, gql_answers, gql_session, multipart_answers, sse_answers
from tests.support.platform import Platform
from tests.support.stories import shop_journey, unique

SECONDS = 30
CHANGES = """
subscription($journey: String, $after: Position, $identifier: IdentifierInput) {
  instanceChanged(journey: $journey, after: $after, identifier: $identifier) {
    position instanceId previousStatus previousPhase instance { key status phase { key } customer { id } }
  }
}
"""
EVENTS = """
subscription($journey: String, $after: Position, $identifier: IdentifierInput) {
  eventRecorded(journey: $journey, after: $after, identifier: $identifier) { messageId name instances { status } }
}
"""


class Shop:
    """A shop with one journey on the map, whose customers do one thing after the other."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.journey, self.prefix = unique("shop"), unique("x")
        platform.publish(shop_journey(self.journey, self.prefix))
        platform.settle()

    def happens(self, user: str, name: str) -> str:
        """Records an event; the position of the answer."""
        answer = self.platform.send("/v1/track", {"userId": user, "event": self.prefix + name})
        assert answer.status_code == 200
        position: str = answer.json()["position"]
        return position

    async def follows(self, user: str, *names: str) -> list[str]:
        return [await asyncio.to_thread(self.happens, user, name) for name in names]

    def over_websocket(self, query: str, **variables: Any) -> AsyncGenerator[Json, None]:
        return self._over_websocket(query, variables)

    def over_sse(self, query: str, **variables: Any) -> AsyncGenerator[Json, None]:
        return sse_answers(f"{self.platform.graphql_url}/stream", query, key=self._key, variables=variables)

    def over_multipart(self, query: str, **variables: Any) -> AsyncGenerator[Json, None]:
        return self._over_multipart(query, variables)

    @property
    def _key(self) -> str:
        return self.platform.credentials["adminKey"]

    async def _over_websocket(self, query: str, variables: Json) -> AsyncGenerator[Json, None]:
        url = self.platform.graphql_url.replace("http:", "ws:")
        async with gql_session(url, self._key) as session:
            async for answer in gql_answers(session, query, variables):
                yield answer

    async def _over_multipart(self, query: str, variables: Json) -> AsyncGenerator[Json, None]:
        async for part in multipart_answers(self.platform.graphql_url, query, key=self._key, variables=variables):
            yield part["payload"]


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return Shop(platform)


Over = Callable[..., AsyncGenerator[Json, None]]


@pytest.fixture(params=["over_websocket", "over_sse", "over_multipart"])
def subscribe(request: pytest.FixtureRequest, shop: Shop) -> Over:
    over: Over = getattr(shop, request.param)
    return over


def who(user: str) -> Json:
    return {"type": "user_id", "value": user}


@asynccontextmanager
async def hearing(answers: AsyncGenerator[Json, None], count: int) -> AsyncIterator[asyncio.Task[list[Json]]]:
    task = asyncio.create_task(first_of(answers, count))
    yield task
    await asyncio.wait_for(task, SECONDS)


async def test_a_customer_is_followed_step_by_step(shop: Shop, subscribe: Over) -> None:
    # Given a customer who has come
    user = unique("user")
    [before] = await shop.follows(user, "Product Viewed")
    answers = subscribe(CHANGES, identifier=who(user), after=before)
    [came] = [await asyncio.wait_for(anext(answers), SECONDS)]
    assert came["data"]["instanceChanged"]["previousStatus"] is None
    # When she buys, and somebody else does too
    await shop.follows(unique("user"), "Product Viewed", "Order Completed")
    await shop.follows(user, "Order Completed")
    # Then the subscriber hears of her alone
    bought = (await asyncio.wait_for(anext(answers), SECONDS))["data"]["instanceChanged"]
    await answers.aclose()
    assert (bought["previousStatus"], bought["previousPhase"]) == ("ACTIVE", "look")
    assert (bought["instance"]["status"], bought["instance"]["phase"]) == ("COMPLETED", {"key": "buy"})


async def test_whoever_comes_back_goes_on_where_it_was(shop: Shop, subscribe: Over) -> None:
    users = [unique("user") for _ in range(6)]
    [start] = await shop.follows(users[0], "Manual Opened")
    await asyncio.gather(*(shop.follows(user, "Product Viewed", "Order Completed") for user in users))
    whole = await first_of(subscribe(CHANGES, journey=shop.journey, after=start), 12 + 1)
    positions = [answer["extensions"]["position"] for answer in whole]
    assert positions == sorted(set(positions))
    for number in (0, 5, 11):
        rest = await first_of(subscribe(CHANGES, journey=shop.journey, after=positions[number]), 12 - number)
        assert [answer["extensions"]["position"] for answer in rest] == positions[number + 1 :]


async def test_events_are_told_once_with_what_follows_from_them(shop: Shop, subscribe: Over) -> None:
    user = unique("user")
    [start] = await shop.follows(user, "Nothing Special")
    answers = subscribe(EVENTS, identifier=who(user), after=start)
    async with hearing(answers, 3) as heard:
        body = {"userId": user, "event": f"{shop.prefix}Product Viewed", "messageId": unique("m")}
        for _ in range(3):
            shop.platform.send("/v1/track", body)
        await shop.follows(user, "Elsewhere", "Order Completed")
    told = [answer["data"]["eventRecorded"] for answer in heard.result()]
    assert [one["name"].removeprefix(shop.prefix) for one in told] == ["Product Viewed", "Elsewhere", "Order Completed"]
    assert told[0]["messageId"] == body["messageId"]
    assert [len(one["instances"]) for one in told] == [1, 0, 1]


async def test_an_anonymous_visitor_who_logs_in_is_followed_on(shop: Shop, subscribe: Over) -> None:
    visitor, user = unique("anon"), unique("user")
    page = {"anonymousId": visitor, "event": f"{shop.prefix}Product Viewed"}
    before = shop.platform.send("/v1/track", page).json()["position"]
    answers = subscribe(CHANGES, identifier={"type": "anonymous_id", "value": visitor}, after=before)
    first = await asyncio.wait_for(anext(answers), SECONDS)
    assert first["data"]["instanceChanged"]["previousStatus"] is None
    shop.platform.send("/v1/identify", {"anonymousId": visitor, "userId": user})
    await shop.follows(user, "Order Completed")
    last = await asyncio.wait_for(anext(answers), SECONDS)
    await answers.aclose()
    assert last["data"]["instanceChanged"]["instance"]["status"] == "COMPLETED"


async def test_insights_are_told_as_they_change(shop: Shop, subscribe: Over) -> None:
    query = "subscription($journey: String!) { insightsChanged(journey: $journey) { instances answeredBy } }"
    answers = subscribe(query, journey=shop.journey)
    task = asyncio.create_task(anext(answers))
    known = shop.platform.graphql(
        "query($key: String!) { journey(key: $key) { insights { instances } } }", key=shop.journey
    )["journey"]["insights"]["instances"]
    while not task.done():
        await shop.follows(unique("user"), "Product Viewed")
        await asyncio.wait([task], timeout=0.2)
    told = task.result()["data"]["insightsChanged"]
    assert told["answeredBy"] == "counters"
    assert told["instances"] > known
    await answers.aclose()


async def test_a_burst_is_told_to_the_last(shop: Shop, subscribe: Over) -> None:
    """More in one commit than a queue holds."""
    user = unique("user")
    [start] = await shop.follows(user, "Before")
    batch = [{"type": "track", "userId": user, "event": f"Burst {number}"} for number in range(600)]
    answers = subscribe(EVENTS, identifier=who(user), after=start)
    async with hearing(answers, 600) as heard:
        await asyncio.to_thread(shop.platform.send, "/v1/batch", {"batch": batch})
    assert [answer["data"]["eventRecorded"]["name"] for answer in heard.result()] == [
        f"Burst {number}" for number in range(600)
    ]
