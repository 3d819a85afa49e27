"""The same subscriptions over every transport, spoken by real clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gql.transport.exceptions import TransportQueryError

from tests.gateway.documents import event, instance
from tests.gateway.feeds import change, position, told
from tests.gateway.harness import Gateway
from tests.gateway.streams.clients import (
    Json,
    first_of,
    gql_answers,
    gql_session,
    multipart_answers,
    sse_answers,
)

CHANGES = "subscription($after: Position) { instanceChanged(after: $after) { position previousStatus correction } }"
Answers = Callable[..., AsyncGenerator[Json, None]]


async def over_websocket(address: str, query: str, *, key: str = "sk_all", **rest: Any) -> AsyncGenerator[Json, None]:
    async with gql_session(f"ws://{address}/graphql", key) as session:
        try:
            async for answer in gql_answers(session, query, rest.get("variables")):
                yield answer
        except TransportQueryError as error:
            yield {"data": error.data, "errors": error.errors}


async def over_sse(address: str, query: str, **rest: Any) -> AsyncGenerator[Json, None]:
    async for answer in sse_answers(f"http://{address}/graphql/stream", query, **rest):
        yield answer


async def over_multipart(address: str, query: str, **rest: Any) -> AsyncGenerator[Json, None]:
    async for part in multipart_answers(f"http://{address}/graphql", query, **rest):
        yield part["payload"] or {"errors": part["errors"]}


@pytest.fixture(params=[over_websocket, over_sse, over_multipart])
def answers(request: pytest.FixtureRequest) -> Answers:
    chosen: Answers = request.param
    return chosen


def answer(number: int, **more: Any) -> Json:
    changed = {"position": position(number), "previousStatus": None, "correction": False} | more
    return {"data": {"instanceChanged": changed}, "extensions": {"position": position(number)}}


async def until_followed(api: Gateway, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(api.feeds.followers) < count:  # noqa: ASYNC110 - the stub rings no bell
            await asyncio.sleep(0.001)


@asynccontextmanager
async def listening(api: Gateway, listener: AsyncGenerator[Json, None], count: int) -> Any:
    """Meanwhile somebody listens; gives the task that has heard so many answers in the end."""
    task = asyncio.create_task(first_of(listener, count))
    await until_followed(api)
    yield task
    await task


async def test_what_happens_is_told_as_it_happens(api: Gateway, address: str, answers: Answers) -> None:
    api.feeds.add("changes", change())
    async with listening(api, answers(address, CHANGES), 2) as heard:
        api.feeds.add("changes", change(previousStatus="ACTIVE", status="COMPLETED"))
        api.feeds.add("changes", change(previousStatus="COMPLETED", status="ACTIVE", correction=True))
    assert heard.result() == [
        answer(2, previousStatus="ACTIVE"),
        answer(3, previousStatus="COMPLETED", correction=True),
    ]


async def test_a_subscriber_goes_on_from_a_position(api: Gateway, address: str, answers: Answers) -> None:
    api.feeds.add("changes", *[change() for _ in range(5)])
    heard = await first_of(answers(address, CHANGES, variables={"after": position(2)}), 3)
    assert heard == [answer(3), answer(4), answer(5)]


@pytest.mark.parametrize(("after", "code"), [("nonsense", "BAD_POSITION"), ("p00001", "POSITION_TOO_OLD")])
async def test_a_position_that_cannot_be_gone_on_from_is_refused(
    api: Gateway, address: str, answers: Answers, after: str, code: str
) -> None:
    api.feeds.add("changes", *[change() for _ in range(5)])
    api.feeds.forgotten = 3
    [heard] = await first_of(answers(address, CHANGES, variables={"after": after}), 1)
    assert [error["extensions"]["code"] for error in heard["errors"]] == [code]


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("subscription { instanceChanged { nothing } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { " + "instanceChanged { position } " * 700 + "}", None, "LIMIT_EXCEEDED"),
        ("subscription($a: String!) { instanceChanged(journey: $a) { position } }", {"a": 1}, "BAD_USER_INPUT"),
    ],
)
async def test_documents_are_held_against_the_same_rules(
    api: Gateway, address: str, answers: Answers, query: str, variables: Json | None, code: str
) -> None:
    if answers is over_multipart and "a:" not in query:
        response = await api.post(query, headers={"Accept": "multipart/mixed;subscriptionSpec=1.0"})
        heard = response.json()
    else:
        [heard] = await first_of(answers(address, query, variables=variables), 1)
    assert {error["extensions"]["code"] for error in heard["errors"]} == {code}
    assert api.feeds.followers == []


@pytest.mark.parametrize(
    ("query", "key", "scope"),
    [
        ("subscription { instanceChanged { position } }", "sk_insights", "customers:read"),
        ("subscription { eventRecorded { name } }", "sk_insights", "customers:read"),
        ('subscription { insightsChanged(journey: "shop") { instances } }', "sk_bare", "insights:read"),
    ],
)
async def test_scopes_are_declared_on_subscriptions_too(
    api: Gateway, address: str, answers: Answers, query: str, key: str, scope: str
) -> None:
    [heard] = await first_of(answers(address, query, key=key), 1)
    [error] = heard["errors"]
    assert (error["message"], error["extensions"]) == (f"This needs the scope {scope}.", {"code": "FORBIDDEN"})
    assert (api.feeds.followers, api.events.paths()) == ([], [])


async def test_personal_fields_of_what_is_told_need_their_scope(api: Gateway, address: str, answers: Answers) -> None:
    api.events.answers["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    query = "subscription { eventRecorded { name properties } }"
    async with listening(api, answers(address, query, key="sk_bare"), 1) as heard:
        api.feeds.add("events", told())
    [refused] = heard.result()
    errors = refused.get("errors")
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [
        (["eventRecorded", "properties"], "FORBIDDEN")
    ]


async def test_an_absent_upstream_leaves_what_is_known(api: Gateway, address: str, answers: Answers) -> None:
    query = "subscription { instanceChanged { position instance { status } } }"
    api.events.answers["POST /internal/instances/read"] = lambda _: 1 / 0
    async with listening(api, answers(address, query), 1) as heard:
        api.feeds.add("changes", change())
    [told_anyway] = heard.result()
    assert told_anyway["data"] == {"instanceChanged": {"position": position(1), "instance": None}}
    assert [(error["path"], error["extensions"]["code"]) for error in told_anyway["errors"]] == [
        (["instanceChanged", "instance"], "UPSTREAM_UNAVAILABLE")
    ]


async def test_when_nobody_listens_any_more_nothing_is_followed(api: Gateway, address: str, answers: Answers) -> None:
    before = asyncio.all_tasks()
    tasks = [asyncio.create_task(first_of(answers(address, CHANGES), 99)) for _ in range(20)]
    await until_followed(api)
    assert api.feeds.followers == [("changes", "default")]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10):
        while api.feeds.followers or asyncio.all_tasks() - before:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_instances_are_read_once_for_all_who_are_told(api: Gateway, address: str, answers: Answers) -> None:
    api.events.answers["POST /internal/instances/read"] = lambda body: {
        "instances": [instance(id) for id in body["ids"]]
    }
    query = 'subscription { instanceChanged(after: "p00000") { instanceId instance { status phase { key } } } }'
    api.feeds.add("changes", change("before"))
    listeners = [answers(address, query) for _ in range(10)]
    for listener in listeners:
        await anext(listener)  # it is there
    api.feeds.add("changes", change("a"), change("b"), change("a"))
    heard = await asyncio.gather(*(first_of(listener, 3) for listener in listeners))
    assert all(one == heard[0] for one in heard)
    assert api.events.bodies("/internal/instances/read") == [{"ids": ["before"]}] * 10 + [{"ids": ["a", "b"]}]
