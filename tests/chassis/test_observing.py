"""What every request goes through first: its id, its measure, and the time in which its body must come."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from infra.chassis import request_ids
from infra.chassis.errors import Forbidden, RequestTimeout
from infra.chassis.http import answer_problems
from infra.chassis.observing import Observed

ID = {"X-Request-Id": "given-by-us"}


def shop() -> FastAPI:
    app = FastAPI()
    answer_problems(app)

    @app.get("/shops/{shop}")
    async def tell(shop: str) -> dict[str, str | None]:
        if shop == "closed":
            raise Forbidden("It is closed.")
        if shop == "burning":
            raise RuntimeError(shop)
        return {"shop": shop, "id": request_ids.current()}

    @app.post("/orders")
    async def order(order: dict[str, str]) -> int:
        return len(order)

    @app.post("/shops")
    async def count(request: Request) -> int:
        return len(await request.body())

    return app


def asking(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


def measured(route: str, status: int) -> float:
    labels = {"route": route, "status": str(status)}
    return REGISTRY.get_sample_value("klantreis_request_seconds_count", labels) or 0


async def test_the_id_is_known_to_whoever_answers_and_told_to_whoever_asked() -> None:
    async with asking(Observed(shop(), 5)) as http:
        answer = await http.get("/shops/utrecht", headers=ID)
    assert answer.json() == {"shop": "utrecht", "id": "given-by-us"}
    assert answer.headers.get_list("x-request-id") == ["given-by-us"]


@pytest.mark.parametrize(("path", "code"), [("/shops/closed", "FORBIDDEN"), ("/nowhere", "NOT_FOUND")])
async def test_a_refusal_has_it_too(path: str, code: str) -> None:
    async with asking(Observed(shop(), 5)) as http:
        problem = (await http.get(path, headers=ID)).json()
    assert (problem["code"], problem["requestId"]) == (code, "given-by-us")


async def test_and_so_has_a_failure_which_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with asking(Observed(shop(), 5)) as http:
        answer = await http.get("/shops/burning", headers=ID)
    assert (answer.status_code, answer.json()["requestId"]) == (500, "given-by-us")
    [line] = [record for record in caplog.records if record.name != "httpx"]
    assert (line.name, vars(line)["route"]) == ("infra.chassis.http", "/shops/{shop}")


async def test_requests_are_measured_by_the_route_as_it_is_written() -> None:
    before = [measured("/shops/{shop}", 200), measured("/shops/{shop}", 403), measured("none", 404)]
    async with asking(Observed(shop(), 5)) as http:
        for path in ("/shops/utrecht", "/shops/gouda", "/shops/closed", "/nowhere", "/shops/a/b"):
            await http.get(path)
    after = [measured("/shops/{shop}", 200), measured("/shops/{shop}", 403), measured("none", 404)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 2]


async def test_a_body_that_stops_in_the_middle_is_not_waited_for() -> None:
    heard: list[Message] = []
    chunks = iter([{"type": "http.request", "body": b'{"a', "more_body": True}])

    async def receive() -> Message:
        return next(chunks, None) or await asyncio.Event().wait() or {}

    async def send(message: Message) -> None:
        heard.append(message)

    async def read(scope: Scope, receive: Receive, _send: Send) -> None:
        with pytest.raises(RequestTimeout) as late:
            await Request(scope, receive).body()
        assert (late.value.status, late.value.headers()) == (408, {"Connection": "close"})
        heard.append({"type": "late"})

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    await Observed(read, 0.01)(scope, receive, send)
    assert heard == [{"type": "late"}]


async def test_nor_where_the_framework_reads_it() -> None:
    heard: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody sends anything")

    async def send(message: Message) -> None:
        heard.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/orders", "query_string": b""}
    scope["headers"] = [(b"content-type", b"application/json")]
    await Observed(shop(), 0.01)(scope, receive, send)
    assert heard[0]["status"] == 408
    assert (b"connection", b"close") in heard[0]["headers"]


async def test_whoever_has_sent_everything_may_take_its_time() -> None:
    sent = iter([{"type": "http.request", "body": b"abc"}])
    leaves = asyncio.Event()

    async def receive() -> Message:
        if (message := next(sent, None)) is not None:
            return message
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def linger(_scope: Scope, receive: Receive, _send: Send) -> None:
        assert (await receive())["body"] == b"abc"
        asyncio.get_running_loop().call_later(0.05, leaves.set)
        assert await receive() == {"type": "http.disconnect"}

    async def send(_message: Message) -> None: ...

    await Observed(linger, 0.01)({"type": "http", "headers": []}, receive, send)


async def test_once_it_stops_connections_end_with_their_next_answer() -> None:
    observed = Observed(shop(), 5)
    async with asking(observed) as http:
        assert "connection" not in (await http.get("/shops/utrecht")).headers
        observed.stopping = True
        assert (await http.get("/shops/utrecht")).headers["connection"] == "close"
