"""What the gateway asks of the services is what their OpenAPI documents offer, and the answers are as promised.

The gateway runs here over the running services; every call it makes is held against the committed documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from gateway.app import create_app
from gateway.clients.customers import IdentifierKey
from gateway.clients.events import EventsClient
from gateway.clients.feeds import Change, EventTold, OwnChange, OwnEvent
from gateway.relay import global_id
from gateway.settings import Settings
from gateway.streams.feed import RemoteFeeds
from infra.chassis.upstream import Answer, Call, EndlessUpstream, OverHttp, Upstream
from tests.contracts.installation import USER, WORKSPACE, Installation
from tests.contracts.questions import QUESTIONS

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("contracts")]

ROOT = Path(__file__).parents[2]
SERVICES = ("personas", "journeys", "events")
MINT = "mutation ($user: IdentifierInput!) { mintCustomerToken(identifier: $user) { token errors { code } } }"
Json = dict[str, Any]
Operation = tuple[str, str, str]
"""Service, method, and path as the document writes it."""

BETWEEN_SERVICES: set[Operation] = {
    ("personas", "GET", "/internal/published"),
    ("personas", "GET", "/internal/workspaces-published"),
    ("journeys", "GET", "/internal/published"),
    ("journeys", "GET", "/internal/workspaces-published"),
    ("events", "GET", "/internal/journeys/{key}/open-runs"),
    ("events", "POST", "/internal/models/refresh"),
    ("events", "POST", "/internal/personas/refresh"),
    ("events", "GET", "/internal/projection/stuck"),  # for operators
    ("events", "GET", "/internal/feeds/{feed}"),  # followed, not asked: see tests/gateway/streams
}
"""What is offered to others than the gateway."""

UNDESCRIBED = {"/internal/events"}  # a plain route, in the intake's way


@dataclass
class Notes:
    """Which operations were asked, and what was wrong with a call or its answer."""

    asked: set[Operation] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Witness:
    """Carries calls to a service and holds them against its document."""

    service: str
    inner: OverHttp
    notes: Notes

    async def ask(self, call: Call) -> Answer:
        answer = await self.inner.ask(call)
        if call.path not in UNDESCRIBED:
            self._judge(call, answer)
        return answer

    async def close(self) -> None:
        await self.inner.close()

    def _judge(self, call: Call, answer: Answer) -> None:
        path = _described_path(self.service, call)
        if path is None:
            self.notes.wrong.append(f"{self.service} offers no {call.method} {call.path}")
            return
        self.notes.asked.add((self.service, call.method, path))
        operation = _document(self.service)["paths"][path][call.method.lower()]
        for name in call.query or ():
            if name not in [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]:
                self.notes.wrong.append(f"{path} takes no {name}")
        if "requestBody" in operation:
            self._hold(f"asked of {path}", call.content or b"", operation["requestBody"]["content"])
        promised = operation["responses"].get(str(answer.status)) or operation["responses"][f"{answer.status // 100}XX"]
        self._hold(f"{path} answered {answer.status}", answer.body, promised["content"])

    def _hold(self, what: str, body: bytes, content: dict[str, Any]) -> None:
        [described] = content.values()
        schema = described["schema"]
        if not schema:
            self.notes.wrong.append(f"{what}: the document says nothing about it")
            return
        components = _document(self.service)["components"]
        validator = jsonschema_rs.validator_for(schema | {"components": components})
        self.notes.wrong += [f"{what}: {error.message}" for error in validator.iter_errors(json.loads(body))]


@cache
def _document(service: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "services" / service / "openapi.json").read_text())
    return document


def _described_path(service: str, call: Call) -> str | None:
    """Words before parameters: /customers/read is not /customers/{key}."""
    for path in sorted(_document(service)["paths"], key=lambda path: path.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        if re.fullmatch(pattern, call.path) and call.method.lower() in _document(service)["paths"][path]:
            return str(path)
    return None


@asynccontextmanager
async def _gateway(
    installation: Installation, notes: Notes
) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, Upstream]]]:
    upstreams = {name: Upstream(name, Witness(name, OverHttp(installation.address(name)), notes)) for name in SERVICES}
    streams = EndlessUpstream("events", OverHttp(installation.address("events"), connections=None))
    tokens = installation.tokens
    app = create_app(Settings(), **upstreams, feeds=RemoteFeeds(streams, tokens), tokens=tokens)
    authorization = {"Authorization": f"Bearer {installation.platform.credentials['adminKey']}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(base_url="http://gateway", transport=transport, headers=authorization) as client:
        yield client, upstreams
    for upstream in (*upstreams.values(), streams):
        await upstream.close()


async def test_calls_and_answers_are_as_the_documents_say(installation: Installation) -> None:
    notes = Notes()
    async with _gateway(installation, notes) as (client, upstreams):
        token = await _asked(client, MINT, {"user": USER}, None)
        for question in QUESTIONS:
            authorization = token["mintCustomerToken"]["token"] if question.by_token else None
            await _asked(client, question.document, _variables(installation), authorization)
        await _follow(EventsClient(upstreams["events"], installation.tokens.mint("events", WORKSPACE)))
    assert sorted(set(notes.wrong)) == []
    offered = {
        (service, method.upper(), path)
        for service in SERVICES
        for path, methods in _document(service)["paths"].items()
        for method in methods
    }
    assert offered - BETWEEN_SERVICES - notes.asked == set(), "nobody asks for this: ask for it here, or remove it"


async def _asked(client: httpx.AsyncClient, document: str, variables: Json, token: str | None) -> Json:
    """The data of an answer without errors, but for those that a payload holds."""
    declared = {name: value for name, value in variables.items() if f"${name}:" in document}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = await client.post("/graphql", json={"query": document, "variables": declared}, headers=headers)
    answer: Json = response.json()
    assert "errors" not in answer, (document, answer["errors"])
    data: Json = answer["data"]
    return data


async def _follow(events: EventsClient) -> None:
    """What subscriptions read, besides what they follow."""
    user, position = IdentifierKey(**USER), (await events.projection()).position
    assert position is not None
    assert await events.profiles(user) != []
    await events.feed("changes", Change, position)
    await events.feed("events", EventTold, position)
    own_changes = await events.own_feed("changes", OwnChange, user, None)
    await events.own_feed("changes", OwnChange, user, own_changes.next)
    await events.own_feed("events", OwnEvent, user, None)


def _variables(installation: Installation) -> Json:
    known = installation.known
    return {
        "user": USER,
        "event": global_id("TouchpointEvent", known["events"][0]),
        "instance": global_id("JourneyInstance", known["instances"][0]),
        "rejected": global_id("RejectedEvent", known["rejected"][0]),
        "position": installation.platform.graphql("{ projection { position } }")["projection"]["position"],
        "till": known["keys"][0],
    }
