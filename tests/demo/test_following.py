"""A platform that does not answer is away, however it fails to: whoever watches the shop waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.chassis.errors import BadRequest, Problem, Unavailable
from infra.demo.platform import Platform

NO_SUCH_FRAME = b"\x83\x00"


@asynccontextmanager
async def refusing(code: str) -> AsyncIterator[Platform]:
    """A gateway that is there, and answers every question with an error of this code."""

    async def respond(_request: web.Request) -> web.Response:
        error = {"message": "Not now.", "path": ["projection"], "extensions": {"code": code}}
        return web.json_response({"data": {"projection": None}, "errors": [error]})

    app = web.Application()
    app.router.add_post("/graphql", respond)
    async with TestServer(app) as server:
        platform = Platform(str(server.make_url("/")), "sk_demo")
        yield platform
        await platform.close()


@pytest.mark.parametrize(
    ("code", "problem"),
    [("UPSTREAM_UNAVAILABLE", Unavailable), ("UNAVAILABLE", Unavailable), ("FORBIDDEN", BadRequest)],
)
async def test_a_gateway_without_its_services_is_a_platform_that_is_away(code: str, problem: type[Problem]) -> None:
    async with refusing(code) as platform:
        with pytest.raises(problem, match="Not now"):
            await platform.graphql("{ projection { lag } }")


@asynccontextmanager
async def breaking() -> AsyncIterator[str]:
    """A platform that hears who is there, and then sends what no WebSocket does, as a wire that breaks seems to."""

    async def respond(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        await socket.receive()
        assert request.transport is not None
        request.transport.write(NO_SUCH_FRAME)
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/graphql", respond)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def test_a_broken_wire_is_a_platform_that_is_away() -> None:
    async with breaking() as url:
        platform = Platform(url, "sk_demo")
        with pytest.raises(Unavailable, match="has closed the subscription"):
            async with aclosing(platform.follow({})) as told:
                async for _ in told:
                    raise AssertionError("nothing was told")
        await platform.close()
