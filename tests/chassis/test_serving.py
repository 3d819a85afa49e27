"""Requests as they come over a socket, before anybody has shown a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from infra.chassis.serving import BoundedHeads

CHUNK = b"x" * 65_536


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(ok, http=BoundedHeads, log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: BoundedHeads(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nx: "])
async def test_a_head_without_end_is_cut_off(begin: bytes) -> None:
    async with connection() as (_reader, writer):
        writer.write(begin)
        with pytest.raises(ConnectionError):
            for _ in range(1_000):
                writer.write(CHUNK)
                await writer.drain()


async def test_one_connection_may_bring_more_than_that_in_bodies() -> None:
    async with connection() as (reader, writer):
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 655360\r\nx: " + b"y" * 40_000 + b"\r\n\r\n")
            writer.write(CHUNK * 10)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
