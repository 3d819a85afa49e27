"""All that the internal calls tell on behalf of one customer, out of what the projector made of a log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, workspace_of
from services.events.disclosure import api
from services.events.disclosure.following import Following
from services.events.disclosure.handlers import Disclosure
from services.events.disclosure.queries import DisclosureQueries
from services.events.disclosure.stories import MOST_TOLD, Stories
from services.events.models.queries import Models
from services.events.personas.handlers import Assignments
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.timeline.reader import EntryReader
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]
Identifier = tuple[str, str]
TOKENS = ServiceTokens("a signing key that is long enough for HMAC")


class Telling:
    """Asks on behalf of an identifier."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, path: str, known: Identifier, **body: Any) -> Any:
        whole = {"discloseTo": {"type": known[0], "value": known[1]}, **body}
        headers = {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, WORKSPACE)}"}
        response = await self._client.post(f"/internal/disclosed/{path}", json=whole, headers=headers)
        assert response.status_code == 200, response.text
        [member] = response.json().values()
        return member

    async def me(self, known: Identifier) -> Json | None:
        [found] = await self.ask("customers/find", known, identifiers=[{"type": known[0], "value": known[1]}])
        customer: Json | None = found
        return customer

    async def timeline(self, known: Identifier, **page: Any) -> Json:
        customer = await self.me(known)
        assert customer is not None
        [found] = await self.ask("timelines", known, customers=[customer["id"]], **page)
        timeline: Json = found
        return timeline

    async def instances(self, known: Identifier, **page: Any) -> Json:
        customer = await self.me(known)
        assert customer is not None
        [found] = await self.ask("instances/of-customers", known, customers=[customer["id"]], **page)
        instances: Json = found
        return instances

    async def persona(self, known: Identifier) -> Json | None:
        customer = await self.me(known)
        assert customer is not None
        [found] = await self.ask("personas/of-customers", known, customers=[customer["id"]])
        persona: Json | None = found
        return persona

    async def everything(self, known: Identifier) -> Json | None:
        """All that there is to be told. Places in the log are left out: they count what others sent as well."""
        customer = await self.me(known)
        if customer is None:
            return None
        timeline = await self.timeline(known, first=100)
        instances = await self.instances(known, first=100)
        ids = [one["id"] for one in instances["items"]]
        steps = await self.ask("steps", known, instances=ids, first=100)
        explanations = await self.ask("instances/explain", known, instances=ids)
        names = {one["id"]: one["messageId"] for one in timeline["items"]}
        events = await self.ask("events/read", known, ids=[one["id"] for one in timeline["items"]])
        assert events == timeline["items"]
        [ledger] = await self.ask("customers/ledgers", known, customers=[customer["id"]])
        assert {one["eventId"] for one in ledger} <= {one["id"] for one in events}
        persona = await self.persona(known)
        names = {one["id"]: one["messageId"] for one in timeline["items"]}
        for reason in persona["because"] if persona else ():
            reason["events"] = [names[id] for id in reason["events"]]
        del customer["firstEventId"]
        for item in timeline["items"]:
            del item["id"]
        return {
            "customer": customer,
            "ledger": [entry | {"eventId": None} for entry in ledger],
            "persona": persona,
            "timeline": timeline,
            "instances": instances,
            "explanations": [
                [one | {"events": [names[id] for id in one["events"]]} for one in told] for told in explanations
            ],
            "steps": [[step | {"eventId": None} for step in page["items"]] for page in steps],
        }

    async def position(self, feed: str, known: Identifier) -> str:
        """Where somebody begins who wants to be told what is new from now on."""
        page = await self.page(feed, known)
        assert (page["items"], page["more"]) == ([], False)
        position: str = page["next"]
        return position

    async def page(self, feed: str, known: Identifier, after: str | None = None, **more: Any) -> Json:
        body = {"discloseTo": {"type": known[0], "value": known[1]}, "after": after, **more}
        headers = {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, WORKSPACE)}"}
        response = await self._client.post(f"/internal/disclosed/feeds/{feed}/read", json=body, headers=headers)
        assert response.status_code == 200, response.text
        page: Json = response.json()
        return page

    async def news(self, feed: str, known: Identifier, after: str, first: int = 100) -> tuple[list[Json], str]:
        """All that is new behind a position, and the position behind that."""
        items: list[Json] = []
        while True:
            page = await self.page(feed, known, after, first=first)
            items += page["items"]
            after = page["next"]
            if not page["more"]:
                return items, after

    async def all_news(self, known: Identifier, after: str) -> Json:
        """Of both feeds, behind the position of a write, without positions and places in the log."""
        changes, _ = await self.news("changes", known, after)
        events, _ = await self.news("events", known, after)
        return {
            "changes": [item | {"position": None} for item in changes],
            "events": [item | {"position": None, "event": item["event"] | {"id": None}} for item in events],
        }


@asynccontextmanager
async def telling(reality: Reality, most: int = MOST_TOLD) -> AsyncIterator[Telling]:
    app = FastAPI()
    answer_problems(app)
    models, reader = Models(reality.state), EntryReader(reality.log)
    queries = DisclosureQueries(reality.state)
    assignments = Assignments(PublishedPersonas(reality.state), OccurrenceQueries(reality.state))
    stories = Stories(queries, models, reader, reality.log, lambda: reality.now, most)
    disclosure = Disclosure(stories, models, assignments)
    following = Following(stories, models, reality.log, lambda: reality.now)
    app.include_router(api.router(disclosure, following, workspace_of(TOKENS)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
        yield Telling(client)
