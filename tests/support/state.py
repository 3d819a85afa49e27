"""A state store that a test fills row by row, behind the real routes that read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI
from sqlalchemy import Table, event, insert, select, update

import services.events
from infra.chassis.auth import ServiceTokens
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from infra.chassis.migrations import upgrade
from infra.chassis.notices import Bell
from services.events import log_tables, tables
from services.events.access import AUDIENCE, workspace_of
from services.events.changes.feed import ChangeFeed
from services.events.control.store import ControlStore
from services.events.feeds import api as feeds_api
from services.events.feeds.feed import Feeds
from services.events.health import api as health_api
from services.events.health.queries import HealthQueries
from services.events.identity import api as identity_api
from services.events.identity.assertions import LedgerQueries
from services.events.identity.domain import profile_id
from services.events.identity.queries import CustomerQueries
from services.events.insights import api as insights_api
from services.events.insights.queries import InsightQueries
from services.events.intake.store import Group, LogStore
from services.events.intake.writer import LogWriter
from services.events.live import api as live_api
from services.events.live import traits
from services.events.live.decisive import DecisiveQueries
from services.events.live.handlers import InstanceReads
from services.events.live.past import api as past_api
from services.events.live.queries import InstanceQueries
from services.events.models.queries import Models
from services.events.personas.handlers import Assignments
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.rejected import api as rejected_api
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.timeline import api as timeline_api
from services.events.timeline.domain import history_key
from services.events.timeline.entry import Entry
from services.events.timeline.queries import TimelineQueries
from services.events.timeline.reader import EntryReader, parse_event_id
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.recording import recorded

Json = dict[str, Any]
Identifier = tuple[str, str]

MIGRATIONS = Path(services.events.__file__).parent / "migrations"
SECRETS = {"default": b"s" * 16, "other": b"o" * 16}
TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
FIRST_KEY = history_key(EPOCH, None, "identify", "shop", "first")


class State:
    """Open with `async with`. Ids are public ones, as the routes take and give them."""

    def __init__(self, database_url: str, workspace: str = "default") -> None:
        self.workspace = workspace
        self.now = EPOCH
        sqlite = database_url.startswith("sqlite")
        self.log_database = Database(database_url.replace("test.db", "log.db") if sqlite else database_url)
        self.database = Database(database_url.replace("test.db", "state.db") if sqlite else database_url, durable=False)
        self.log = LogStore(self.log_database)
        self.app = self._app()
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://events")
        self._builds: dict[tuple[str, str], int] = {}
        self._numbers = count(1)
        self._stack = AsyncExitStack()

    def _app(self) -> FastAPI:
        workspace = workspace_of(TOKENS)
        customers, ledgers = CustomerQueries(self.database, self.log), LedgerQueries(self.database)
        timelines = TimelineQueries(self.database, EntryReader(self.log))
        app = FastAPI()
        answer_problems(app)
        app.include_router(identity_api.router(customers, ledgers, workspace))
        app.include_router(timeline_api.router(timelines, customers, workspace))
        instances, models = InstanceQueries(self.database), Models(self.database)
        reads = InstanceReads(instances, DecisiveQueries(self.database), models, customers, timelines)
        assignments = Assignments(PublishedPersonas(self.database), OccurrenceQueries(self.database))
        app.include_router(live_api.router(reads, workspace))
        app.include_router(past_api.router(self.database, self.log, customers, timelines, assignments, workspace))
        app.include_router(insights_api.router(InsightQueries(self.database, models), instances, models, workspace))
        changes = ChangeFeed(self.database, self.log, customers, lambda: self.now)
        self.feeds = Feeds({"changes": changes}, Bell(), None)
        app.include_router(feeds_api.router(self.feeds, workspace))
        rejected, writer = RejectedQueries(self.database), LogWriter(self.log, lambda: self.now)
        resubmission = Resubmission(rejected, ControlStore(self.log_database), self.log, writer)
        app.include_router(rejected_api.router(rejected, resubmission, workspace))
        app.include_router(health_api.router(HealthQueries(self.database, lambda: self.now), workspace))
        return app

    async def __aenter__(self) -> State:
        for closing in (self.log_database.close, self.database.close, self.client.aclose):
            self._stack.push_async_callback(closing)
        await upgrade(self.log_database, MIGRATIONS / "log")
        await upgrade(self.database, MIGRATIONS / "state")
        rows = [{"key": key, "name": key, "secret": secret, "created_at": 0} for key, secret in SECRETS.items()]
        async with self.log_database.write() as connection:
            await connection.execute(insert(log_tables.workspaces), rows)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # --- asking ------------------------------------------------------------------------------------------------------

    async def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """Bytes go as they are, other bodies as JSON."""
        headers = {
            "Authorization": f"Bearer {TOKENS.mint(AUDIENCE, self.workspace)}",
            "Content-Type": "application/json",
        }
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.client.request(method, path, content=content, params=query, headers=headers)

    async def post(self, path: str, **body: Any) -> Json:
        response = await self.send("POST", path, body)
        assert response.status_code == 200, response.text
        answer: Json = msgspec.json.decode(response.content)
        return answer

    async def get(self, path: str, **query: Any) -> Json:
        response = await self.send("GET", path, **query)
        assert response.status_code == 200, response.text
        answer: Json = msgspec.json.decode(response.content)
        return answer

    async def refusal(self, path: str, **body: Any) -> tuple[int, str, list[list[str]]]:
        """Status, code and the paths of what is wrong."""
        response = await self.send("POST", path, body)
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem = response.json()
        return response.status_code, problem["code"], [flaw["path"] for flaw in problem.get("errors", [])]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SELECTs that both stores are asked meanwhile."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                seen.append(statement)

        engines = [database.engine.sync_engine for database in (self.log_database, self.database)]
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        yield seen
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)

    # --- filling -----------------------------------------------------------------------------------------------------

    def profile(self, identifier: Identifier) -> bytes:
        return profile_id(SECRETS[self.workspace], *identifier)

    async def add(self, table: Table, *rows: Json) -> None:
        async with self.database.write() as connection:
            await connection.execute(insert(table), [{"workspace": self.workspace} | row for row in rows])

    async def customer(
        self,
        *identifiers: Identifier,
        verified: Sequence[Identifier] = (),
        known: Mapping[str, tuple[Any, int, str]] | None = None,
        **columns: Any,
    ) -> str:
        """A customer with these identifiers, named after the first; `known`: traits with their moment and source."""
        customer = self.profile(identifiers[0])
        rows = [
            {
                "profile": self.profile(one),
                "type": one[0],
                "value": one[1],
                "first_key": FIRST_KEY,
                "verified_key": FIRST_KEY if one in verified else None,
                "cluster": customer,
                "customer": customer,
            }
            for one in identifiers
        ]
        await self.add(tables.identifiers, *rows)
        row = {
            "customer": customer,
            "partition": 0,
            "first_key": FIRST_KEY,
            "last_key": history_key(EPOCH + DAY, None, "track", "shop", "last"),
            "first_event": "1-0",
            "first_seen_at": EPOCH,
            "last_seen_at": EPOCH + DAY,
            "traits": _known(known or {}),
            "state": msgspec.msgpack.encode({}),
            "clock": EPOCH + DAY,
            "due_at": None,
        }
        await self.add(tables.customers, row | columns)
        return customer.hex()

    async def record(self, *events: Json) -> list[str]:
        """Events (see tests.support.histories) as one log row, each in the timeline of its first identifier."""
        entries = await self.log_only(*events)
        rows = [
            {
                "profile": self.profile(one.recorded.identifiers[0]),
                "key": one.key,
                "seq": one.seq,
                "slot": one.slot,
            }
            for one in entries
        ]
        await self.add(tables.timeline, *rows)
        return [one.id for one in entries]

    async def log_only(self, *events: Json) -> list[Entry]:
        """Events that nobody projected."""
        slots = [recorded(one) for one in events]
        [place] = await self.log.append([Group(self.workspace, slots)], EPOCH)
        return [Entry.of(place.seq, slot, one) for slot, one in enumerate(slots)]

    async def publish(self, *documents: Json) -> None:
        """Versions of journeys, all of them in force in their journey's live build."""
        rows = [
            {
                "journey": document["key"],
                "version": document["version"],
                "document": msgspec.json.encode(document),
                "seq": place,
            }
            for place, document in enumerate(documents, 1)
        ]
        await self.add(tables.models, *rows)
        for journey in {document["key"] for document in documents}:
            build = await self._live_build(journey)
            versions = [document["version"] for document in documents if document["key"] == journey]
            table = tables.builds
            async with self.database.write() as connection:
                named = (table.c.workspace == self.workspace, table.c.build == build)
                held = await connection.scalar(select(table.c.versions).where(*named))
                versions = sorted({*msgspec.json.decode(held or "[]"), *versions})
                await connection.execute(update(table).where(*named).values(versions=json.dumps(versions)))

    async def build(self, journey: str, state: str, versions: Sequence[int] = (1,)) -> int:
        """A build of a journey; the number that instances name it by."""
        build = next(self._numbers)
        row = {"build": build, "xid": 0, "journey": journey, "versions": json.dumps(list(versions)), "state": state}
        await self.add(tables.builds, row)
        return build

    async def _live_build(self, journey: str) -> int:
        if (self.workspace, journey) not in self._builds:
            self._builds[self.workspace, journey] = await self.build(journey, "LIVE", ())
        return self._builds[self.workspace, journey]

    async def instance(self, name: str, customer: str, *step_events: str, **columns: Any) -> str:
        """An instance whose id is made from `name`, with the steps that `step_events` (ids) are.

        It lasts from the first of them until the last, and is of its journey's live build, unless columns say else.
        """
        instance = sha256(name.encode()).digest()[:16]
        places = [parse_event_id(id) or (0, 0) for id in step_events]
        found = await EntryReader(self.log).read(self.workspace, places)
        entries = sorted((one for one in found if one is not None), key=lambda one: one.key)
        first = entries[0] if entries else None
        row = {
            "instance": instance,
            "customer": bytes.fromhex(customer),
            "partition": 0,
            "journey": "shop",
            "version": 1,
            "key": None,
            "run": 1,
            "status": "ACTIVE",
            "phase": "look",
            "furthest": columns.get("phase", "look"),
            "touchpoint": "viewed",
            "started_at": first.occurred_at if first else EPOCH,
            "start_key": first.key if first else history_key(EPOCH, None, "track", "shop", name),
            "start_event": first.id if first else "1-0",
            "channel": first.channel if first else None,
            "device": first.device if first else None,
            "source": first.source if first else "shop",
            "last_event_at": entries[-1].occurred_at if entries else EPOCH + DAY,
            "due_at": EPOCH + 8 * DAY,
        }
        row |= columns
        if "build" not in row:
            row["build"] = await self._live_build(row["journey"])
        await self.add(tables.instances, row)
        steps = [
            {
                "customer": row["customer"],
                "build": row["build"],
                "key": one.key,
                "instance": instance,
                "seq": one.seq,
                "slot": one.slot,
                "touchpoint": "viewed",
                "phase": "look",
                "direction": "STAY",
                "status": row["status"],
                "channel": one.channel,
                "device": one.device,
            }
            for one in entries
        ]
        if steps:
            await self.add(tables.steps, *steps)
        return instance.hex()


def _known(known: Mapping[str, tuple[Any, int, str]]) -> bytes:
    """Traits as the projector stores them after identify events that say so, one for each."""
    events = [
        plain_event(f"trait {name}", "Identify", moment, kind="identify", source=source, traits={name: value})
        for name, (value, moment, source) in known.items()
    ]
    anybody: Json = {"identifiers": [], "verified": False}
    return traits.merge(None, [Entry.of(1, 0, recorded(one | anybody)) for one in events])
