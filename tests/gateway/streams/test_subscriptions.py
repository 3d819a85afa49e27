"""What each subscription tells, and of whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from gateway.streams.feed import FeedName
from gateway.streams.http import Streaming
from infra.chassis.errors import Unavailable
from infra.chassis.observing import Observed
from tests.gateway.documents import event, instance
from tests.gateway.feeds import change, position, told
from tests.gateway.harness import Gateway, gateway
from tests.gateway.served import served
from tests.gateway.streams.clients import SECONDS, Json, first_of, sse_answers
from tests.gateway.stubs import authenticate
from tests.gateway.test_insights import insights

READ_INSIGHTS = "/internal/insights/read"


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    api.events.answers["POST /internal/events/read"] = lambda body: {
        "events": [None if id == "erased" else event(id, name=f"Event {id}") for id in body["ids"]]
    }
    api.events.answers["POST /internal/instances/read"] = lambda body: {
        "instances": [None if id == "gone" else instance(id) for id in body["ids"]]
    }
    api.events.answers["POST /internal/customers/profiles"] = lambda body: {
        "profiles": [[f"profile of {one['value']}"] for one in body["identifiers"]]
    }


def listen(address: str, field: str, selection: str, **rest: Any) -> AsyncGenerator[Json, None]:
    return sse_answers(f"http://{address}/graphql/stream", f"subscription {{ {field} {{ {selection} }} }}", **rest)


async def followed(api: Gateway, *feeds: FeedName) -> None:
    async with asyncio.timeout(10):
        while {feed for feed, _workspace in api.feeds.followers} != set(feeds):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7, 8]),
        (', journey: "other"', [3, 8]),
        (", status: [COMPLETED]", [2, 4, 5, 8]),
        (", status: [COMPLETED, ABANDONED]", [2, 4, 5, 6, 8]),
        (', identifier: {type: "email", value: "jo"}', [7, 8]),
        (', identifier: {type: "email", value: "jo"}, journey: "purchase"', [7]),
    ],
)
async def test_changes_are_told_as_they_are_asked_for(
    api: Gateway, address: str, arguments: str, expected: list[int]
) -> None:
    api.feeds.customers["k7"] = ["k7", "profile of jo", "profile of user 7"]
    items = [
        change(),
        change(status="COMPLETED"),
        change(journeyKey="other"),
        change(status="ACTIVE", previousStatus="COMPLETED", correction=True),
        change(status=None, previousStatus="COMPLETED", correction=True),
        change(status="ABANDONED", previousStatus="ACTIVE"),
        change(customerId="k7", previousStatus="COMPLETED"),
        change(customerId="k7", journeyKey="other", status="COMPLETED"),
    ]
    api.feeds.add("changes", *items)
    answers = listen(address, f'instanceChanged(after: "p00000"{arguments})', "position")
    async with aclosing(answers):
        heard = [(await anext(answers))["extensions"]["position"] for _ in expected]
        api.feeds.add("changes", items[expected[-1] - 1])  # if more were waiting, they would come before it
        heard.append((await anext(answers))["extensions"]["position"])
    assert heard == [position(number) for number in (*expected, 9)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", [1, 2, 4]),
        (', journey: "purchase"', [2, 4]),
        (', journey: "purchase", identifier: {type: "user_id", value: "u4"}', [4]),
    ],
)
async def test_events_are_told_as_they_are_asked_for(
    api: Gateway, address: str, arguments: str, expected: list[int]
) -> None:
    api.feeds.customers["k4"] = ["k4", "profile of u4"]
    items = [
        told("1-0"),
        told("1-1", journeys=["care", "purchase"]),
        told("erased", journeys=["purchase"]),
        told("2-0", journeys=["purchase"], customerId="k4"),
    ]
    api.feeds.add("events", *items)
    answers = listen(address, f'eventRecorded(after: "p00000"{arguments})', "name")
    async with aclosing(answers):
        heard = [await anext(answers) for _ in expected]
    assert heard == [
        {
            "data": {"eventRecorded": {"name": f"Event {items[number - 1]['id']}"}},
            "extensions": {"position": position(number)},
        }
        for number in expected
    ]
    assert api.events.bodies("/internal/events/read") == [{"ids": ["1-0", "1-1", "erased", "2-0"]}]


async def test_a_subscription_counts_from_when_it_is_told_what_happens(api: Gateway, address: str) -> None:
    counted: list[float | None] = []

    def count() -> None:
        counted.append(REGISTRY.get_sample_value("klantreis_subscriptions"))

    def learn(_body: Json) -> Json:
        count()
        return {"profiles": [["k1"]]}

    api.events.answers["POST /internal/customers/profiles"] = learn
    api.feeds.add("changes", change())
    answers = listen(address, 'instanceChanged(after: "p00000", identifier: {type: "email", value: "jo"})', "position")
    async with aclosing(answers):
        await anext(answers)
        count()
    assert counted == [0, 1]


async def test_a_change_leads_to_its_instance_as_it_is(api: Gateway, address: str) -> None:
    api.feeds.add("changes", change("i7"), change("gone", status=None, correction=True))
    selection = "instanceId at previousPhase instance { id status }"
    some, none = await first_of(listen(address, 'instanceChanged(after: "p00000")', selection), 2)
    shown = some["data"]["instanceChanged"]
    assert shown == {
        "instanceId": shown["instance"]["id"],
        "at": "2026-03-01T10:00:00Z",
        "previousPhase": None,
        "instance": {"id": shown["instanceId"], "status": "ACTIVE"},
    }
    assert none["data"]["instanceChanged"]["instance"] is None


async def test_workspaces_hear_nothing_of_each_other(api: Gateway, address: str) -> None:
    tasks = [
        asyncio.create_task(first_of(listen(address, "instanceChanged", "position", key=key), 1))
        for key in ("sk_all", "sk_other")
    ]
    async with asyncio.timeout(10):
        while len(api.feeds.followers) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert sorted(api.feeds.followers) == [("changes", "default"), ("changes", "other")]
    api.feeds.add("changes", change())
    await asyncio.gather(*tasks)


async def test_what_is_told_is_worked_out_once_for_the_same_document_and_rights(api: Gateway, address: str) -> None:
    """Where they began does not matter."""
    query = "subscription($after: Position) { instanceChanged(after: $after) { instance { status } } }"
    api.feeds.add("changes", change(), change())
    listeners = [
        sse_answers(f"http://{address}/graphql/stream", query, key=key, variables={"after": position(number)})
        for number, key in ((0, "sk_all"), (1, "sk_all"), (1, "sk_all"), (1, "sk_twin"))
    ]
    before = [await anext(listener) for listener in listeners]
    assert [answer["extensions"]["position"] for answer in before] == [position(number) for number in (1, 2, 2, 2)]
    read = len(api.events.bodies("/internal/instances/read"))
    api.feeds.add("changes", change())
    heard = await asyncio.gather(*(first_of(listener, 1) for listener in listeners[1:]))
    assert heard == [[{"data": before[1]["data"], "extensions": {"position": position(3)}}]] * 3
    assert len(api.events.bodies("/internal/instances/read")) == read + 1
    await listeners[0].aclose()


async def test_an_error_that_several_hear_of_names_the_request_of_none(api: Gateway) -> None:
    def away(_body: Json) -> Json:
        raise Unavailable("Instances cannot be read now.")

    api.feeds.add("changes", change())
    async with served(Observed(api.app, 5)) as address:
        listeners = [listen(address, 'instanceChanged(after: "p00000")', "instance { status }") for _ in range(2)]
        for listener in listeners:
            assert "errors" not in await anext(listener)
        api.events.answers["POST /internal/instances/read"] = away
        api.feeds.add("changes", change())
        heard = await asyncio.gather(*(first_of(listener, 1) for listener in listeners))
    assert [answer["errors"][0]["extensions"] for [answer] in heard] == [{"code": "UPSTREAM_UNAVAILABLE"}] * 2


async def test_what_differs_by_variables_below_the_root_is_told_apart(api: Gateway, address: str) -> None:
    query = "subscription($with: Boolean!) { instanceChanged(after: %s) { at position @include(if: $with) } }"
    api.feeds.add("changes", change())
    listeners = [
        sse_answers(f"http://{address}/graphql/stream", query % '"p00000"', variables={"with": given})
        for given in (True, False)
    ]
    for listener in listeners:
        await anext(listener)
    api.feeds.add("changes", change())
    found = [(await first_of(listener, 1))[0]["data"]["instanceChanged"] for listener in listeners]
    assert found == [{"at": "2026-03-01T10:00:00Z", "position": position(2)}, {"at": "2026-03-01T10:00:00Z"}]


async def test_rights_are_told_apart(api: Gateway, address: str) -> None:
    api.feeds.add("events", told())
    field = 'eventRecorded(after: "p00000")'
    listeners = [listen(address, field, "properties", key=key) for key in ("sk_all", "sk_bare")]
    for listener in listeners:
        await anext(listener)
    api.feeds.add("events", told())
    [[shown], [hidden]] = [await first_of(listener, 1) for listener in listeners]
    assert shown["data"] == {"eventRecorded": {"properties": {}}}
    assert [error["extensions"]["code"] for error in hidden["errors"]] == ["FORBIDDEN"]


# --- insights --------------------------------------------------------------------------------------------------------


class Sums:
    """Insights that a test changes."""

    def __init__(self, api: Gateway) -> None:
        self.instances = 0
        self.read = 0
        api.events.answers[f"POST {READ_INSIGHTS}"] = self._answer

    def _answer(self, body: Json) -> Json:
        self.read += 1
        return {"insights": [insights(instances=self.instances) if key == "shop" else None for key in body["journeys"]]}


async def test_insights_are_told_when_they_have_changed_and_at_most_once_a_second(api: Gateway, address: str) -> None:
    sums = Sums(api)
    moments: list[float] = []
    answers = listen(address, 'insightsChanged(journey: "shop")', "instances answeredBy")
    task = asyncio.create_task(anext(answers))
    await followed(api, "changes", "events")
    api.feeds.add("events", told())  # of no consequence
    await asyncio.sleep(0)
    sums.instances = 1
    api.feeds.add("changes", change())
    first = await asyncio.wait_for(task, SECONDS)
    moments.append(time.monotonic())
    for number in range(2, 30):
        sums.instances = number
        api.feeds.add("changes", change())
    second = await asyncio.wait_for(anext(answers), SECONDS)
    moments.append(time.monotonic())
    await answers.aclose()
    assert [answer["data"]["insightsChanged"] for answer in (first, second)] == [
        {"instances": 1, "answeredBy": "counters"},
        {"instances": 29, "answeredBy": "counters"},
    ]
    assert moments[1] - moments[0] > 0.95
    assert all("extensions" not in answer for answer in (first, second))


async def test_insights_are_read_once_for_all(api: Gateway, address: str) -> None:
    sums = Sums(api)
    began = time.monotonic()
    field = 'insightsChanged(journey: "shop")'
    tasks = [asyncio.create_task(first_of(listen(address, field, "instances"), 1)) for _ in range(5)]
    while not all(task.done() for task in tasks):
        sums.instances += 1
        api.feeds.add("changes", change())
        await asyncio.wait(tasks, timeout=0.05)
    assert all(set(answer["data"]) == {"insightsChanged"} for [answer] in await asyncio.gather(*tasks))
    assert sums.read <= 2 + (time.monotonic() - began)


async def test_insights_of_a_journey_that_was_never_published_are_refused(api: Gateway, address: str) -> None:
    Sums(api)
    [refused] = await first_of(listen(address, 'insightsChanged(journey: "none")', "instances"), 1)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["NOT_FOUND"]


# --- HTTP ------------------------------------------------------------------------------------------------------------


async def test_over_http_a_subscription_needs_a_stream(api: Gateway) -> None:
    response = await api.post("subscription { instanceChanged { position } }")
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_ACCEPTABLE"}
    response = await api.http.get(
        "/graphql?query=subscription{instanceChanged{position}}", headers={"Authorization": "Bearer sk_all"}
    )
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(("key", "status"), [("sk_unknown", 401), ("wk_site", 403)])
async def test_a_stream_is_refused_as_every_request_is(api: Gateway, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    for path in ("/graphql", "/graphql/stream"):
        body = {"query": "subscription { instanceChanged { position } }"}
        assert (await api.http.post(path, json=body, headers=headers)).status_code == status


async def test_queries_are_answered_as_one_event(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: {
        "logged": 1, "projected": 1, "lag": 0, "rebuilding": False
    }  # fmt: skip
    headers = {"Authorization": "Bearer sk_all", "Accept": "text/event-stream"}
    response = await api.http.post("/graphql/stream", json={"query": "{ projection { lag } }"}, headers=headers)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.text == ('event: next\ndata: {"data":{"projection":{"lag":0}}}\n\nevent: complete\ndata: \n\n')


async def test_silence_is_interrupted_by_signs_of_life_and_by_the_end_of_the_key() -> None:
    streaming = Streaming(sign_of_life_seconds=0.01, key_look_seconds=0.1)
    async with gateway(streaming=streaming) as api, served(api.app) as address, httpx.AsyncClient() as client:
        body = {"query": "subscription { instanceChanged { position } }"}
        headers = {"Authorization": "Bearer sk_all", "Accept": "text/event-stream"}
        api.clock.now += 5_000_000
        lines: list[str] = []
        async with client.stream("POST", f"http://{address}/graphql", json=body, headers=headers) as response:
            api.events.answers["POST /internal/authenticate"] = authenticate({})
            api.clock.now += 5_000_000
            async for line in response.aiter_lines():
                lines.append(line)
        said = [line for line in lines if line]
        assert said[:2] == [": ", ": "]
        assert said[-4:-3] == ["event: next"]
        assert '"code":"UNAUTHENTICATED"' in said[-3]
        assert said[-2:] == ["event: complete", "data: "]
