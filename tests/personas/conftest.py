"""The personas service as its neighbours meet it: over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import from_datetime
from infra.chassis.upstream import Answer, Call, Upstream
from services.personas.app import create_app
from services.personas.settings import Settings

KEY = "a signing key that is long enough for HMAC"


class EventsStub:
    """An events service that answers what a test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.away = False
        self.asked: list[str] = []

    async def ask(self, call: Call) -> Answer:
        self.asked.append(f"{call.method} {call.path}")
        if self.away:
            raise ConnectionRefusedError
        return Answer(200, msgspec.json.encode({"versions": self.versions}))

    async def close(self) -> None:
        """Nothing was opened."""


class House:
    """A running personas service with a clock that a test moves."""

    def __init__(self, database_url: str) -> None:
        self.events = EventsStub()
        self.now = "2026-03-01T12:00:00Z"
        self._upstream = Upstream("events", self.events)
        self._tokens = ServiceTokens(KEY, self.clock)
        settings = Settings(signing_key=KEY, personas_database_url=database_url)
        self.app: FastAPI = create_app(settings, events=self._upstream, clock=self.clock)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://personas")

    def clock(self) -> int:
        return from_datetime(datetime.fromisoformat(self.now))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[House]:
        async with self.app.router.lifespan_context(self.app), self.client:
            yield self
        await self._upstream.close()

    def token(self, workspace: str = "default", audience: str = "personas") -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens.mint(audience, workspace)}"}

    async def call(
        self, method: str, path: str, body: Any = None, *, workspace: str = "default", headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.token(workspace) | dict(headers))

    async def save(self, persona: dict[str, Any], workspace: str = "default") -> httpx.Response:
        return await self.call("PUT", f"/internal/personas/{persona['key']}/draft", persona, workspace=workspace)

    async def publish(self, key: str = "commuter", workspace: str = "default") -> httpx.Response:
        return await self.call("POST", f"/internal/personas/{key}/publish", workspace=workspace)

    async def read(self, *items: dict[str, Any], workspace: str = "default") -> list[Any]:
        answer = await self.call("POST", "/internal/personas/read", {"items": items}, workspace=workspace)
        assert answer.status_code == 200, answer.text
        personas: list[Any] = answer.json()["personas"]
        return personas

    async def versions(self, *keys: str, workspace: str = "default") -> list[list[Any]]:
        answer = await self.call("POST", "/internal/personas/versions", {"keys": keys}, workspace=workspace)
        assert answer.status_code == 200, answer.text
        versions: list[list[Any]] = answer.json()["versions"]
        return versions


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with House(database_url).running() as running:
        yield running
