"""Who customers are as the internal routes tell it, out of what the projector made of a log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import event

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import to_rfc3339
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, workspace_of
from services.events.identity import api as identity_api
from services.events.identity.assertions import LedgerQueries
from services.events.identity.queries import CustomerQueries
from services.events.live.past import api as past_api
from services.events.personas import api as personas_api
from services.events.personas.handlers import Assignments, PersonaReads
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.timeline import api as timeline_api
from services.events.timeline.queries import TimelineQueries
from services.events.timeline.reader import EntryReader
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]
Identifier = tuple[str, str]
TOKENS = ServiceTokens("a signing key that is long enough for HMAC")


def persona(key: str, matches: str | None, version: int = 1) -> Json:
    """As much of a persona document as events reads."""
    return {"key": key, "version": version, "matches": matches}


class Asking:
    def __init__(self, reality: Reality, client: httpx.AsyncClient) -> None:
        self._reality = reality
        self._client = client

    async def who(self, *asked: Identifier, as_of: int | None = None) -> list[Json | None]:
        """The persona of each customer, its events by their message ids."""
        customers = await self.customers(*asked)
        found = await self.ask("personas/of-customers", "assignments", as_of, customers=customers)
        return [one and one | {"because": [await self._named(reason) for reason in one["because"]]} for one in found]

    async def keys(self, *asked: Identifier, as_of: int | None = None) -> list[str | None]:
        return [one and one["persona"] for one in await self.who(*asked, as_of=as_of)]

    async def customers(self, *asked: Identifier) -> list[str]:
        identifiers = [{"type": type, "value": value} for type, value in asked]
        found = await self.ask("customers/find", "customers", None, identifiers=identifiers)
        return [one["id"] for one in found]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SELECTs that the state is asked meanwhile."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                seen.append(statement)

        engine = self._reality.state.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        yield seen
        event.remove(engine, "before_cursor_execute", note)

    async def _named(self, reason: Json) -> Json:
        events = await self.ask("events/read", "events", None, ids=reason["events"])
        return reason | {"events": [one["messageId"] for one in events]}

    async def ask(self, call: str, member: str, as_of: int | None, **body: Any) -> list[Any]:
        path = f"/internal/{call}" if as_of is None else f"/internal/past/{call}"
        whole = body if as_of is None else {"asOf": to_rfc3339(as_of), **body}
        headers = {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, WORKSPACE)}"}
        response = await self._client.post(path, json=whole, headers=headers)
        assert response.status_code == 200, response.text
        found: list[Any] = response.json()[member]
        return found


@asynccontextmanager
async def asking(reality: Reality) -> AsyncIterator[Asking]:
    app = FastAPI()
    answer_problems(app)
    state, log, workspace = reality.state, reality.log, workspace_of(TOKENS)
    customers = CustomerQueries(state, log)
    timelines = TimelineQueries(state, EntryReader(log))
    assignments = Assignments(PublishedPersonas(state), OccurrenceQueries(state))
    reads = PersonaReads(assignments, customers, lambda: reality.now)
    app.include_router(identity_api.router(customers, LedgerQueries(state), workspace))
    app.include_router(timeline_api.router(timelines, customers, workspace))
    app.include_router(personas_api.router(reads, workspace))
    app.include_router(past_api.router(state, log, customers, timelines, assignments, workspace))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
        yield Asking(reality, client)


async def told(reality: Reality, *asked: Identifier) -> Sequence[Json | None]:
    """Who these are, once everything is projected."""
    await reality.project()
    async with asking(reality) as asked_by:
        return await asked_by.who(*asked)
