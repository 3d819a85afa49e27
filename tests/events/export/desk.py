"""A reality with the door at which its data is handed out."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from infra.chassis.http import answer_problems
from services.events.control.domain import KeyKind, first_sources
from services.events.control.handlers import make_key
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore, insert_sources
from services.events.export import api
from services.events.export.events import BYTES_AT_ONCE, EventExport
from services.events.export.instances import InstanceExport
from services.events.intake.entrance import FrontDoor
from services.events.live.queries import InstanceQueries
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]


@dataclass
class Desk:
    reality: Reality
    client: httpx.AsyncClient
    key: str
    write_key: str

    async def ask(self, name: str, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.client.get(f"/v1/export/{name}", params=query, headers=headers)

    async def text(self, name: str, **query: str) -> str:
        answer = await self.ask(name, **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def rows(self, name: str, **query: str) -> list[dict[str, str]]:
        """Of a CSV export."""
        return list(csv.DictReader(io.StringIO(await self.text(f"{name}.csv", **query), newline="")))

    async def records(self, name: str, **query: str) -> list[Json]:
        """Of JSON lines."""
        return [msgspec.json.decode(line) for line in (await self.text(f"{name}.jsonl", **query)).splitlines()]


@asynccontextmanager
async def desk(
    database_url: str, at_once: int = 20_000, steps_at_once: int = 200, bytes_at_once: int = BYTES_AT_ONCE
) -> AsyncIterator[Desk]:
    async with Reality(database_url) as reality:
        control = ControlStore(reality.log_database)
        async with reality.log_database.write() as connection:
            await insert_sources(connection, list(first_sources(WORKSPACE)))
        key = await make_key(control, WORKSPACE, "api", KeyKind.SECRET, lambda: 0)
        write_key = await make_key(control, WORKSPACE, "website", KeyKind.WRITE, lambda: 0)
        events = EventExport(reality.state, reality.log, reality.progress.visible_until, at_once, bytes_at_once)
        instances = InstanceExport(InstanceQueries(reality.state), events, steps_at_once)
        app = FastAPI()
        answer_problems(app)
        doors = api.entrances(KeyRing(control, lambda: 0), events, instances)
        app.add_middleware(FrontDoor, entrance_at=doors.get)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
            yield Desk(reality, client, key, write_key)
