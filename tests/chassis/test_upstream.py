"""Calls between services, over real sockets and within a process: the same, whatever goes wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from infra.chassis.errors import Flaw, Problem, Unavailable
from infra.chassis.upstream import EndlessUpstream, Fetched, InProcess, OverHttp, Upstream
from tests.support.platform import free_port

PROBLEM = {"message": "Taken.", "code": "CONFLICT", "errors": [{"code": "TAKEN", "message": "Taken.", "path": ["key"]}]}


async def echo(request: Request) -> Response:
    told = {"path": request.path_params["key"], "query": dict(request.query_params), "method": request.method}
    body = await request.body()
    headers = {name: request.headers.get(name) for name in ("authorization", "content-type")}
    return JSONResponse(told | headers | {"body": body.decode()}, headers={"Set-Cookie": "a=b"})


async def failing(request: Request) -> Response:
    status = int(request.path_params["status"])
    return JSONResponse(PROBLEM, status) if status < 500 else Response("oops", status)


async def babbling(request: Request) -> Response:
    return Response("<html>", int(request.path_params["status"]))


async def tagged(request: Request) -> Response:
    if request.headers.get("if-none-match") == '"7"':
        return Response(status_code=304)
    return JSONResponse([1], headers={"ETag": '"7"'})


async def silent(_request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


async def busy(request: Request) -> Response:
    """The most calls that were here at once."""
    state = request.app.state
    state.here = getattr(state, "here", 0) + 1
    state.most = max(getattr(state, "most", 0), state.here)
    await asyncio.sleep(0)
    state.here -= 1
    return JSONResponse(state.most)


async def endless(_request: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        yield b"one\ntw"
        yield b"o\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines())


ROUTES = [
    Route("/echo/{key}", echo, methods=["GET", "POST"]),
    Route("/failing/{status}", failing),
    Route("/babbling/{status}", babbling),
    Route("/tagged", tagged),
    Route("/silent", silent),
    Route("/busy", busy),
    Route("/endless", endless),
    Route("/empty", lambda _request: Response(status_code=204)),
]


class Announced(uvicorn.Server):
    """Tells when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The app on a port of its own, in this loop."""
    config = uvicorn.Config(Starlette(routes=ROUTES), port=free_port(), log_config=None, timeout_graceful_shutdown=0)
    server = Announced(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        await server.up.wait()
    try:
        yield f"http://127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(params=["over HTTP", "in process"])
async def upstream(request: pytest.FixtureRequest) -> AsyncIterator[Upstream]:
    if request.param == "in process":
        app = Starlette(routes=ROUTES)
        yield Upstream("stub", InProcess(lambda: app))
        return
    async with served() as address:
        opened = Upstream("stub", OverHttp(address))
        yield opened
        await opened.close()


async def test_a_call_arrives_as_it_was_meant(upstream: Upstream) -> None:
    posted = await upstream.call("POST", "/echo/caf%C3%A9%3F", token="t", body={"price": 12.5})
    assert posted == {
        "path": "café?",
        "query": {},
        "method": "POST",
        "authorization": "Bearer t",
        "content-type": "application/json",
        "body": '{"price":12.5}',
    }
    asked = await upstream.call("GET", "/echo/x", token="t", query={"after": "a+b&c=é"})
    assert (asked["query"], asked["body"], asked["content-type"]) == ({"after": "a+b&c=é"}, "", None)
    assert await upstream.call("GET", "/empty", token="t") is None


async def test_what_stands_somewhere_is_fetched_once(upstream: Upstream) -> None:
    assert await upstream.fetch("/tagged", token="t") == Fetched([1], '"7"')
    assert await upstream.fetch("/tagged", token="t", etag='"7"') is None


async def test_a_problem_is_raised_again(upstream: Upstream) -> None:
    with pytest.raises(Problem) as raised:
        await upstream.call("GET", "/failing/409", token="t")
    assert (raised.value.status, raised.value.code) == (409, "CONFLICT")
    assert raised.value.errors == (Flaw("TAKEN", "Taken.", ("key",)),)


@pytest.mark.parametrize("path", ["/failing/500", "/failing/503", "/babbling/404", "/babbling/200"])
async def test_what_nobody_understands_is_an_upstream_that_is_away(upstream: Upstream, path: str) -> None:
    with pytest.raises(Unavailable) as raised:
        await upstream.call("GET", path, token="t")
    assert raised.value.code == "UPSTREAM_UNAVAILABLE"


async def test_nobody_there() -> None:
    gone = Upstream("stub", OverHttp(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable, match="The stub service does not answer"):
        await gone.call("GET", "/echo/x", token="t")
    await gone.close()


async def test_a_silent_upstream_is_given_up() -> None:
    async with served() as address:
        upstream = Upstream("stub", OverHttp(address))
        with pytest.raises(Unavailable, match="does not answer"):
            await upstream.call("GET", "/silent", token="t", within=0.05)
        await upstream.close()


async def test_many_calls_wait_for_few_connections() -> None:
    async with served() as address:
        upstream = Upstream("stub", OverHttp(address, connections=2))
        answers = await asyncio.gather(*(upstream.call("GET", "/busy", token="t") for _ in range(64)))
        assert max(answers) <= 2
        await upstream.close()


async def test_lines_come_as_they_are_sent_until_it_is_silent_for_too_long() -> None:
    async with served() as address:
        upstream = EndlessUpstream("stub", OverHttp(address, connections=None))
        lines = upstream.lines("/endless", token="t", silence=0.05)
        assert [await anext(lines), await anext(lines)] == [b"one", b"two"]
        with pytest.raises(Unavailable, match="does not answer"):
            await anext(lines)
        with pytest.raises(Problem, match="Taken"):
            await anext(upstream.lines("/failing/409", token="t", silence=1))
        await upstream.close()
