"""What those who run a process may ask it, and who may."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from infra.chassis import request_ids
from infra.chassis.errors import Unavailable
from infra.chassis.operations import OperatorRoutes, Readiness
from infra.chassis.settings import Surroundings

TOKEN = "a token for the scraper"


class Part:
    """A database, say."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.is_there = is_there
        self.looks = 0

    async def probe(self) -> None:
        self.looks += 1
        await asyncio.sleep(0)
        if not self.is_there:
            raise Unavailable("It is away.")


def asking(operators: OperatorRoutes, client: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=operators.routes()), client=(client, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://process")


async def test_a_process_without_its_parts_is_not_ready_and_says_which() -> None:
    log, state = Part(), Part(is_there=False)
    operators, other = OperatorRoutes(Surroundings()), OperatorRoutes(Surroundings())
    operators.includes(other)
    other.readiness.needs("log", log.probe)
    other.readiness.needs("state", state.probe)
    async with asking(operators) as http:
        away = await http.get("/health/ready")
        state.is_there = True
        back = await http.get("/health/ready")
        live = await http.get("/health/live")
    assert (away.status_code, away.json()) == (503, {"status": "not ready", "missing": ["state"]})
    assert away.headers["retry-after"] == "1"
    assert [(answer.status_code, answer.json()) for answer in (back, live)] == [(200, {"status": "ok"})] * 2


async def test_however_many_ask_it_is_looked_once() -> None:
    readiness, part = Readiness(), Part()
    readiness.needs("log", part.probe)
    assert await asyncio.gather(*(readiness.missing() for _ in range(100))) == [[]] * 100
    assert await readiness.missing() == []
    assert part.looks == 1


async def test_who_asks_first_does_not_give_its_id_to_the_look() -> None:
    readiness, ids = Readiness(), []

    async def look() -> None:
        ids.append(request_ids.current())

    readiness.needs("log", look)
    request_ids.begin([(b"x-request-id", b"asked-first")])
    assert await readiness.missing() == []
    assert ids == [None]


async def test_what_went_away_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    readiness, part = Readiness(believed_seconds=0), Part(is_there=False)
    readiness.needs("log", part.probe)
    assert await readiness.missing() == ["log"]  # it is starting
    part.is_there = True
    assert await readiness.missing() == []
    part.is_there = False
    assert [await readiness.missing() for _ in range(3)] == [["log"]] * 3
    told = [(record.getMessage(), vars(record)["part"], vars(record)["error"]) for record in caplog.records]
    assert told == [("a part does not answer", "log", "Unavailable")]


@pytest.mark.parametrize(
    ("environment", "token", "client", "headers", "status"),
    [
        ("development", None, "127.0.0.1", {}, 200),
        ("development", None, "::1", {}, 200),
        ("development", None, "10.0.0.7", {}, 403),
        ("development", None, "testclient", {}, 403),
        ("development", None, "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 403),
        ("production", None, "127.0.0.1", {}, 403),
        ("development", TOKEN, "127.0.0.1", {}, 401),
        ("production", TOKEN, "10.0.0.7", {"Authorization": f"Basic {TOKEN}"}, 401),
        ("production", TOKEN, "10.0.0.7", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        ("production", TOKEN, "10.0.0.7", {"Authorization": "Bearer é".encode()}, 401),
        ("production", TOKEN, "10.0.0.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
async def test_metrics_are_not_for_everybody(
    environment: Any, token: str | None, client: str, headers: Any, status: int
) -> None:
    surroundings = Surroundings(environment=environment, metrics_token=SecretStr(token) if token else None)
    async with asking(OperatorRoutes(surroundings), client) as http:
        answer = await http.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("klantreis_request_seconds" in answer.text) is (status == 200)


async def test_what_nobody_looks_at_in_between_is_looked_at_when_metrics_are_read() -> None:
    operators, part = OperatorRoutes(Surroundings()), Part()
    operators.before_metrics(part.probe)
    async with asking(operators) as http:
        await http.get("/metrics")
        await http.get("/health/ready")
    assert part.looks == 1
