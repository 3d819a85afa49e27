"""The front door over a real database, as its clients meet it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

import services.events
from infra.chassis.auth import ServiceTokens
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from infra.chassis.migrations import upgrade
from services.events.access import AUDIENCE
from services.events.control.credentials import Credentials
from services.events.control.handlers import bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.intake import api
from services.events.intake.entrance import FrontDoor
from services.events.intake.handlers import Intake
from services.events.intake.library_settings import LibrarySettings
from services.events.intake.position import Place
from services.events.intake.slots import Recorded, Refused, Slot
from services.events.intake.store import LogStore
from services.events.intake.writer import LogWriter
from tests.events.intake.calls import NOW

MIGRATIONS = Path(services.events.__file__).parent / "migrations" / "log"
TOKENS = ServiceTokens("a signing key that is long enough for HMAC", lambda: NOW)
Json = dict[str, Any]


@dataclass
class Door:
    client: httpx.AsyncClient
    database: Database
    log: LogStore
    keys: Credentials
    waited_for: list[tuple[str, Place]]

    async def send(self, path: str, body: bytes | Json, **options: Any) -> httpx.Response:
        """Posts with the write key, unless `auth` or `headers` say otherwise."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        options.setdefault("auth", (self.keys.write_key, ""))
        return await self.client.post(path, content=content, **options)

    async def record(self, source: str, events: list[Any], **rest: Any) -> httpx.Response:
        """What the gateway sends."""
        body = {"source": source, "trust": "VERIFIED", "events": events} | rest
        token = TOKENS.mint(AUDIENCE, "default")
        return await self.client.post("/internal/events", json=body, headers={"Authorization": f"Bearer {token}"})

    async def slots(self, answer: httpx.Response) -> list[Slot]:
        """What an answer's position names in the log."""
        position = answer.json()["position"]
        assert answer.headers["Klantreis-Position"] == position
        seq = Place.parse(position).seq
        return (await self.log.read_rows("default", [seq]))[seq]

    async def events(self, answer: httpx.Response) -> list[Recorded]:
        return [slot for slot in await self.slots(answer) if isinstance(slot, Recorded)]

    async def refusals(self, answer: httpx.Response) -> list[Refused]:
        return [slot for slot in await self.slots(answer) if isinstance(slot, Refused)]

    async def is_empty(self) -> bool:
        _count, _oldest, last = await self.log.logged_slots("default", Place(0, 0))
        return last is None


@asynccontextmanager
async def open_door(database_url: str, folder: Path) -> AsyncIterator[Door]:
    database = Database(database_url)
    log = LogStore(database)
    writer = LogWriter(log, lambda: NOW)
    waited_for: list[tuple[str, Place]] = []

    async def projected(workspace: str, place: Place) -> bool:
        waited_for.append((workspace, place))
        return True

    keys = KeyRing(ControlStore(database), lambda: NOW)
    intake = Intake(keys, writer, lambda: NOW, projected)
    app = FastAPI(redirect_slashes=False)
    answer_problems(app)
    settings = LibrarySettings(keys, lambda: NOW, public_url=None)
    app.add_middleware(FrontDoor, entrance_at=api.entrances(intake, TOKENS, settings))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        await upgrade(database, MIGRATIONS)
        made = await bootstrap(database, folder / "credentials.json", lambda: NOW)
        assert made.credentials is not None
        async with httpx.AsyncClient(transport=transport, base_url="http://events") as client:
            yield Door(client, database, log, made.credentials, waited_for)
        await writer.close()
    finally:
        await database.close()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem document, which must have what SDKs read."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["message"] == document["detail"] != ""
    assert isinstance(document["code"], str)
    return answer.status_code, document["code"]
