"""A gateway over stub upstreams, spoken to over HTTP in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import httpx
import msgspec

from gateway.app import GatewayApp, create_app
from gateway.settings import Settings
from gateway.streams.http import Streaming
from gateway.streams.subscriber import Patience
from infra.chassis.auth import ServiceTokens
from infra.chassis.upstream import InProcess, Upstream
from tests.gateway.documents import principal
from tests.gateway.feeds import StubFeeds
from tests.gateway.stubs import Stub, authenticate

STREAMING, PATIENCE = Streaming(), Patience()
ALL_SCOPES = (
    "events:write",
    "customers:read",
    "pii:read",
    "insights:read",
    "models:read",
    "models:write",
    "sources:write",
)
KEYS = {
    "sk_all": principal(*ALL_SCOPES) | {"key": "01"},
    "sk_twin": principal(*ALL_SCOPES) | {"key": "02"},
    "sk_bare": principal("customers:read"),
    "sk_insights": principal("insights:read", "models:read"),
    "sk_models": principal("models:read"),
    "sk_none": principal(),
    "sk_other": principal(*ALL_SCOPES, workspace="other"),
    "wk_site": principal("events:write", kind="WRITE", source="website"),
}


class ManualClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Gateway:
    events: Stub
    journeys: Stub
    personas: Stub
    http: httpx.AsyncClient
    clock: ManualClock
    feeds: StubFeeds
    app: GatewayApp

    async def post(
        self, query: str, *, key: str = "sk_all", headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        body = msgspec.json.encode({"query": query, **rest})
        given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | (headers or {})
        return await self.http.post("/graphql", content=body, headers=given)

    async def ask(self, query: str, **rest: Any) -> Any:
        """The whole answer, which must be a 200."""
        response = await self.post(query, **rest)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content)

    async def data(self, query: str, **rest: Any) -> Any:
        """What was asked for; there must be no errors."""
        answer = await self.ask(query, **rest)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def errors(self, query: str, **rest: Any) -> list[tuple[str, str]]:
        """Where and with which code each error happened."""
        answer = await self.ask(query, **rest)
        return [(".".join(map(str, error.get("path", ()))), error["extensions"]["code"]) for error in answer["errors"]]


@asynccontextmanager
async def gateway(
    environment: Literal["development", "production"] = "development",
    allowed_origins: str = "",
    streaming: Streaming = STREAMING,
    patience: Patience = PATIENCE,
) -> AsyncIterator[Gateway]:
    clock = ManualClock()
    tokens = ServiceTokens("a signing key of the tests, long enough", clock)
    events, journeys, personas = (Stub(name, tokens) for name in ("events", "journeys", "personas"))
    events.answers["POST /internal/authenticate"] = authenticate(KEYS)
    settings, feeds = Settings(environment=environment, allowed_origins=allowed_origins), StubFeeds()
    for name in ("changes", "events"):
        events.answers[f"POST /internal/feeds/{name}/read"] = partial(feeds.read, name)
    upstreams = {stub.audience: _upstream(stub) for stub in (events, journeys, personas)}
    app = create_app(
        settings, **upstreams, feeds=feeds, tokens=tokens, clock=clock, streaming=streaming, patience=patience
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(base_url="http://gateway", transport=transport) as http:
        yield Gateway(events, journeys, personas, http, clock, feeds, app)
    for upstream in upstreams.values():
        await upstream.close()


def _upstream(stub: Stub) -> Upstream:
    return Upstream(stub.audience, InProcess(lambda: stub))
