"""The journeys service as its neighbours meet it: over HTTP, on a real database, beside an events service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import from_datetime
from infra.chassis.upstream import Answer, Call, Upstream
from services.journeys.app import create_app
from services.journeys.settings import Settings

KEY = "a signing key that is long enough for HMAC"


class EventsStub:
    """An events service that answers what a test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.open_runs = 0
        self.versions: dict[str, int] = {}
        self.away = False
        self.asked: list[str] = []

    async def ask(self, call: Call) -> Answer:
        query = f"?{urlencode(call.query)}" if call.query else ""
        self.asked.append(f"{call.method} {call.path}{query}")
        if self.away:
            raise ConnectionRefusedError
        if call.path.endswith("/open-runs"):
            return Answer(200, msgspec.json.encode({"openRuns": self.open_runs}))
        return Answer(200, msgspec.json.encode({"versions": self.versions}))

    async def close(self) -> None:
        """Nothing was opened."""


class House:
    """A running journeys service with a clock that a test moves."""

    def __init__(self, database_url: str) -> None:
        self.events = EventsStub()
        self.now = "2026-03-01T12:00:00Z"
        self._upstream = Upstream("events", self.events)
        self._tokens = ServiceTokens(KEY, self.clock)
        settings = Settings(signing_key=KEY, journeys_database_url=database_url)
        self.app: FastAPI = create_app(settings, events=self._upstream, clock=self.clock)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://journeys")

    def clock(self) -> int:
        return from_datetime(datetime.fromisoformat(self.now))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[House]:
        async with self.app.router.lifespan_context(self.app), self.client:
            yield self
        await self._upstream.close()

    def token(self, workspace: str = "default", audience: str = "journeys") -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens.mint(audience, workspace)}"}

    async def call(
        self, method: str, path: str, body: Any = None, *, workspace: str = "default", headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.token(workspace) | dict(headers))

    async def save(self, journey: dict[str, Any], workspace: str = "default") -> httpx.Response:
        return await self.call("PUT", f"/internal/journeys/{journey['key']}/draft", journey, workspace=workspace)

    async def publish(
        self, key: str = "order", effective_from: str | None = None, workspace: str = "default"
    ) -> httpx.Response:
        body = {"effectiveFrom": effective_from}
        return await self.call("POST", f"/internal/journeys/{key}/publish", body, workspace=workspace)

    async def read(self, *items: dict[str, Any], workspace: str = "default") -> list[Any]:
        answer = await self.call("POST", "/internal/journeys/read", {"items": items}, workspace=workspace)
        assert answer.status_code == 200, answer.text
        journeys: list[Any] = answer.json()["journeys"]
        return journeys

    async def versions(self, *keys: str, workspace: str = "default") -> list[list[Any]]:
        answer = await self.call("POST", "/internal/journeys/versions", {"keys": keys}, workspace=workspace)
        assert answer.status_code == 200, answer.text
        versions: list[list[Any]] = answer.json()["versions"]
        return versions


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with House(database_url).running() as running:
        yield running
