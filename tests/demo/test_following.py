"""Whoever watches the shop is told when the wire to the platform breaks, however it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.chassis.errors import Unavailable
from infra.demo.platform import Platform

NO_SUCH_FRAME = b"\x83\x00"


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
