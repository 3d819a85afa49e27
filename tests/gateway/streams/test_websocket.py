"""graphql-transport-ws, word by word: what is said wrongly closes the connection with the code of the protocol."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gateway.streams.http import Streaming
from tests.gateway.documents import principal
from tests.gateway.feeds import change, position
from tests.gateway.harness import ALL_SCOPES, KEYS, Gateway, gateway
from tests.gateway.served import served
from tests.gateway.streams.clients import Json, Socket, socket
from tests.gateway.stubs import authenticate

PROJECTION: Json = {
    "position": "p9", "logged": 9, "projected": 9, "lag": 0, "oldestUnprojectedAge": None, "rebuilding": False,
}  # fmt: skip
CHANGES = "subscription { instanceChanged { position } }"


def next_(id: str, number: int) -> Json:
    payload = {
        "data": {"instanceChanged": {"position": position(number)}},
        "extensions": {"position": position(number)},
    }
    return {"id": id, "type": "next", "payload": payload}


async def followed(api: Gateway) -> None:
    async with asyncio.timeout(10):
        while not api.feeds.followers:  # noqa: ASYNC110 - the stub rings no bell
            await asyncio.sleep(0.001)


async def asked_in_vain(api: Gateway, times: int) -> None:
    async with asyncio.timeout(10):
        while api.events.in_vain < times:  # noqa: ASYNC110 - the stub rings no bell
            await asyncio.sleep(0.001)


async def test_a_subscription_lasts_until_the_client_completes_it(api: Gateway, address: str) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        await one.subscribe("a", CHANGES)
        await followed(api)
        api.feeds.add("changes", change())
        assert await one.hear() == next_("a", 1)
        await one.say(id="a", type="complete")
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        api.feeds.add("changes", change())
        await one.subscribe("a", CHANGES)
        await followed(api)
        api.feeds.add("changes", change())
        assert await one.hear() == next_("a", 3)


async def test_queries_have_one_answer_and_are_complete(api: Gateway, address: str) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: PROJECTION
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        await one.subscribe("q", "{ projection { lag } }")
        assert await one.hear() == {"id": "q", "type": "next", "payload": {"data": {"projection": {"lag": 0}}}}
        assert await one.hear() == {"id": "q", "type": "complete"}


async def test_operations_of_one_connection_do_not_disturb_each_other(api: Gateway, address: str) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        await one.subscribe("good", CHANGES)
        await one.subscribe("bad", "subscription { instanceChanged { position }")
        refused = await one.hear()
        assert (refused["id"], refused["type"]) == ("bad", "error")
        assert [error["extensions"]["code"] for error in refused["payload"]] == ["GRAPHQL_PARSE_FAILED"]
        await followed(api)
        api.feeds.add("changes", change())
        assert await one.hear() == next_("good", 1)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        (["[]"], 4400),
        (["null"], 4400),
        ([b"{}"], 4400),
        (['{"type": "hello"}'], 4400),
        (['{"type": "connection_init", "payload": 1}'], 4400),
        (['{"type": "subscribe", "id": "a", "payload": {"query": 1}}'], 4400),
        (['{"type": "subscribe", "payload": {"query": "{ a }"}}'], 4400),
        (['{"type": "subscribe", "id": "a", "payload": {"query": "{ a }"}}'], 4401),
        (['{"type": "connection_init"}'], 4401),
        (['{"type": "connection_init", "payload": {"Authorization": "Bearer sk_unknown"}}'], 4401),
        (['{"type": "connection_init", "payload": {"Authorization": ["Bearer sk_all"]}}'], 4401),
        (['{"type": "connection_init", "payload": {"Authorization": "Bearer wk_site"}}'], 4403),
        (['{"type": "connection_init", "payload": {"Authorization": "Bearer sk_all"}}'] * 2, 4429),
        (['{"type": "ping", "payload": {"a": "' + "x" * 1_100_000 + '"}}'], 1009),
    ],
)
async def test_whatever_is_said_wrongly_ends_the_connection(address: str, messages: list[Any], code: int) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        for message in messages:
            await one.say_text(message)
        assert (await one.closed())[0] == code


async def test_an_id_in_use_is_refused(address: str) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        await one.subscribe("a", CHANGES)
        await one.subscribe("a", CHANGES)
        assert await one.closed() == (4409, "Subscriber for a already exists")


async def test_a_connection_has_a_hundred_operations(address: str) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        for number in range(101):
            await one.subscribe(str(number), CHANGES)
        refused = await one.hear()
        assert (refused["id"], refused["payload"][0]["extensions"]) == (
            "100",
            {"code": "LIMIT_EXCEEDED", "limit": "operations", "allowed": 100},
        )


async def test_who_does_not_begin_is_not_waited_for() -> None:
    async with (
        gateway(streaming=Streaming(init_seconds=0.05)) as api,
        served(api.app) as address,
        socket(f"ws://{address}/graphql") as one,
    ):
        assert await one.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws"])
async def test_another_subprotocol_is_not_spoken(address: str, subprotocol: str | None) -> None:
    async with socket(f"ws://{address}/graphql", subprotocol=subprotocol) as one:
        assert await one.closed() == (4406, "Subprotocol not acceptable")


async def test_while_events_is_away_nobody_is_called_unknown(api: Gateway, address: str) -> None:
    api.events.away = True
    async with socket(f"ws://{address}/graphql") as one:
        await one.say(type="connection_init", payload={"Authorization": "Bearer sk_all"})
        assert (await one.closed())[0] == 1013


@pytest.mark.parametrize(
    ("origin", "environment", "welcome"),
    [
        (None, "production", True),
        ("https://shop.example", "production", True),
        ("https://SHOP.example:443", "production", True),
        ("http://{address}", "production", True),
        ("https://evil.example", "production", False),
        ("https://shop.example.evil.example", "production", False),
        ("null", "production", False),
        ("https://evil.example", "development", True),
    ],
)
async def test_in_production_only_pages_of_known_origins_may_connect(
    origin: str | None, environment: Any, welcome: bool
) -> None:
    async with gateway(environment, allowed_origins="https://shop.example") as api, served(api.app) as address:
        named = origin and origin.format(address=address)
        try:
            async with socket(f"ws://{address}/graphql", origin=named) as one:
                await one.init()
                assert welcome
        except InvalidStatus as refused:
            assert (refused.response.status_code, welcome) == (403, False)


async def error_then_closed(one: Socket) -> tuple[str, str, int]:
    error = await one.hear()
    assert error["type"] == "error"
    [only] = error["payload"]
    return error["id"], only["extensions"]["code"], (await one.closed())[0]


async def test_a_key_that_is_revoked_ends_its_subscriptions_and_says_so() -> None:
    async with (
        gateway(streaming=Streaming(key_look_seconds=0.02)) as api,
        served(api.app) as address,
        socket(f"ws://{address}/graphql") as one,
        socket(f"ws://{address}/graphql") as other,
    ):
        await one.init("sk_all")
        await other.init("sk_bare")
        await one.subscribe("a", CHANGES)
        await other.subscribe("b", CHANGES)
        await followed(api)
        api.events.answers["POST /internal/authenticate"] = authenticate({"sk_bare": KEYS["sk_bare"]})
        api.clock.now += 5_000_000
        assert await error_then_closed(one) == ("a", "UNAUTHENTICATED", 4403)
        api.feeds.add("changes", change())
        assert await other.hear() == next_("b", 1)


async def test_a_key_that_loses_a_scope_must_begin_anew() -> None:
    async with (
        gateway(streaming=Streaming(key_look_seconds=0.02)) as api,
        served(api.app) as address,
        socket(f"ws://{address}/graphql") as one,
    ):
        await one.init()
        await one.subscribe("a", CHANGES)
        await followed(api)
        api.events.answers["POST /internal/authenticate"] = authenticate({"sk_all": principal("models:read")})
        api.clock.now += 5_000_000
        assert await error_then_closed(one) == ("a", "UNAUTHENTICATED", 4403)


async def test_a_key_ends_when_it_expires_not_when_it_is_looked_at_next() -> None:
    async with gateway(streaming=Streaming(key_look_seconds=3_600)) as api, served(api.app) as address:
        soon = principal(*ALL_SCOPES) | {"expiresAt": api.clock.now + 200_000}
        api.events.answers["POST /internal/authenticate"] = authenticate({"sk_soon": soon})
        async with socket(f"ws://{address}/graphql") as one:
            await one.init("sk_soon")
            await one.subscribe("a", CHANGES)
            await followed(api)
            api.events.answers["POST /internal/authenticate"] = authenticate({})
            api.clock.now += 200_000
            assert await error_then_closed(one) == ("a", "UNAUTHENTICATED", 4403)


async def test_a_key_that_expires_while_nobody_can_be_asked_ends_without_asking() -> None:
    async with gateway(streaming=Streaming(key_look_seconds=3_600)) as api, served(api.app) as address:
        soon = principal(*ALL_SCOPES) | {"expiresAt": api.clock.now + 200_000}
        api.events.answers["POST /internal/authenticate"] = authenticate({"sk_soon": soon})
        async with socket(f"ws://{address}/graphql") as one:
            await one.init("sk_soon")
            await one.subscribe("a", CHANGES)
            await followed(api)
            asked = len(api.events.paths())
            api.events.away = True
            api.clock.now += 200_000
            assert await error_then_closed(one) == ("a", "UNAUTHENTICATED", 4403)
            assert len(api.events.paths()) == asked


async def test_a_key_is_not_given_up_because_nobody_can_be_asked_about_it() -> None:
    async with (
        gateway(streaming=Streaming(key_look_seconds=0.01)) as api,
        served(api.app) as address,
        socket(f"ws://{address}/graphql") as one,
    ):
        await one.init()
        await one.subscribe("a", CHANGES)
        await followed(api)
        api.events.away = True
        api.clock.now += 60_000_000
        await asked_in_vain(api, 3)
        api.feeds.add("changes", change())
        assert await one.hear() == next_("a", 1)


async def test_when_the_gateway_stops_subscribers_are_told(api: Gateway, address: str) -> None:
    async with socket(f"ws://{address}/graphql") as one:
        await one.init()
        await one.subscribe("a", CHANGES)
        await followed(api)
        api.app.end_subscriptions()
        told = await one.hear()
        assert (told["type"], told["payload"][0]["extensions"]) == ("error", {"code": "GOING_AWAY"})
