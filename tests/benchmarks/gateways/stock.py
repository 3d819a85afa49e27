"""The gateway as anybody would write it: Strawberry and its FastAPI router as they come, loaders, plain httpx.

It asks the services for the same, in as many calls. It knows no keys, scopes, limits or positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import httpx
import strawberry
from fastapi import FastAPI
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext, GraphQLRouter
from strawberry.scalars import JSON

from infra.chassis import serving

T = TypeVar("T")
Json = dict[str, Any]
Info = strawberry.Info["Services", None]


class Services(BaseContext):
    """The loaders of one request."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self.events = upstream.events
        self.journeys: DataLoader[tuple[str, int | None], Json | None] = DataLoader(self._journeys)
        self.personas: DataLoader[str, Json | None] = DataLoader(self._personas)
        self.customers: DataLoader[str, Json | None] = DataLoader(self._customers)
        self.instances: DataLoader[tuple[str, int], Json | None] = DataLoader(self._instances)
        self.timelines: DataLoader[tuple[str, int], Json | None] = DataLoader(self._timelines)
        self._upstream = upstream

    async def find(self, type: str, value: str) -> Json | None:
        body = {"identifiers": [{"type": type, "value": value}]}
        found = await ask(self.events, "/internal/customers/find", body)
        return found["customers"][0]

    async def _customers(self, ids: list[str]) -> list[Json | None]:
        found = await ask(self.events, "/internal/customers/read", {"ids": ids})
        return found["customers"]

    async def _instances(self, keys: list[tuple[str, int]]) -> list[Json | None]:
        return await self._pages("/internal/instances/of-customers", keys)

    async def _timelines(self, keys: list[tuple[str, int]]) -> list[Json | None]:
        return await self._pages("/internal/timelines", keys)

    async def _pages(self, path: str, keys: list[tuple[str, int]]) -> list[Json | None]:
        body = {"customers": [customer for customer, _ in keys], "first": keys[0][1]}
        return (await ask(self.events, path, body))["pages"]

    async def _journeys(self, keys: list[tuple[str, int | None]]) -> list[Json | None]:
        body = {"items": [{"key": key, "version": version, "draft": False} for key, version in keys]}
        return (await ask(self._upstream.journeys, "/internal/journeys/read", body))["journeys"]

    async def _personas(self, keys: list[str]) -> list[Json | None]:
        body = {"items": [{"key": key, "version": None, "draft": False} for key in keys]}
        return (await ask(self._upstream.personas, "/internal/personas/read", body))["personas"]


async def ask(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    response = await client.post(path, json=body)
    response.raise_for_status()
    answer: Json = response.json()
    return answer


class Upstream:
    def __init__(self, address: str, tokens: Json) -> None:
        def client(service: str) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {tokens[service]}"}
            return httpx.AsyncClient(base_url=f"{address}/{service}", headers=headers)

        self.events, self.journeys, self.personas = client("events"), client("journeys"), client("personas")


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]


@strawberry.type
class Persona:
    key: str
    name: str


@strawberry.type
class Journey:
    name: str
    persona_keys: strawberry.Private[list[str]]

    @strawberry.field
    async def personas(self, info: Info) -> list[Persona | None]:
        found = await info.context.personas.load_many(self.persona_keys)
        return [Persona(key=one["key"], name=one["name"]) if one else None for one in found]


@strawberry.type
class Phase:
    key: str
    name: str


@strawberry.type
class Instance:
    journey_key: strawberry.Private[str]
    version: strawberry.Private[int]
    customer_key: strawberry.Private[str]
    id: strawberry.ID
    status: str
    started_at: str
    phase: Phase | None
    touchpoint: Phase | None

    @strawberry.field
    async def journey(self, info: Info) -> Journey | None:
        found = await info.context.journeys.load((self.journey_key, self.version))
        return Journey(name=found["name"], persona_keys=found["personas"]) if found else None

    @strawberry.field
    async def customer(self, info: Info) -> Annotated[Customer, strawberry.lazy(__name__)] | None:
        found = await info.context.customers.load(self.customer_key)
        return to_customer(found) if found else None


@strawberry.type
class Event:
    id: strawberry.ID
    name: str
    channel: str | None
    occurred_at: str
    properties: JSON


@strawberry.type
class Customer:
    id: strawberry.ID
    traits: JSON
    first_seen_at: str

    @strawberry.field
    async def instances(self, info: Info, first: int = 20) -> Connection[Instance]:
        page = await info.context.instances.load((self.id, first))
        return connection(page, to_instance)

    @strawberry.field
    async def timeline(self, info: Info, first: int = 20) -> Connection[Event]:
        page = await info.context.timelines.load((self.id, first))
        return connection(page, to_event)


@strawberry.input
class IdentifierInput:
    type: str
    value: str


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, info: Info, identifier: IdentifierInput) -> Customer | None:
        found = await info.context.find(identifier.type, identifier.value)
        return to_customer(found) if found else None

    @strawberry.field
    async def instances(self, info: Info, first: int = 20) -> Connection[Instance]:
        body = {"where": {}, "first": first, "after": None}
        return connection(await ask(info.context.events, "/internal/instances/query", body), to_instance)


def connection(page: Json | None, node: Callable[[Json], T]) -> Connection[T]:
    found = page or {"items": [], "cursors": []}
    return Connection(
        edges=[
            Edge(node=node(item), cursor=cursor) for item, cursor in zip(found["items"], found["cursors"], strict=True)
        ]
    )


def to_customer(found: Json) -> Customer:
    return Customer(id=found["id"], traits=found["traits"], first_seen_at=found["firstSeenAt"])


def to_instance(found: Json) -> Instance:
    return Instance(
        journey_key=found["journeyKey"],
        version=found["version"],
        customer_key=found["customerId"],
        id=found["id"],
        status=found["status"],
        started_at=found["startedAt"],
        phase=to_phase(found["phase"]),
        touchpoint=to_phase(found["touchpoint"]),
    )


def to_phase(found: Json | None) -> Phase | None:
    return Phase(key=found["key"], name=found["name"]) if found else None


def to_event(found: Json) -> Event:
    return Event(
        id=found["id"],
        name=found["name"],
        channel=found["channel"],
        occurred_at=found["occurredAt"],
        properties=found["properties"],
    )


def serve(upstream: str, tokens: Json, host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    services = Upstream(upstream, tokens)

    async def context() -> Services:
        return Services(services)

    app = FastAPI()
    app.include_router(GraphQLRouter(strawberry.Schema(Query), context_getter=context), prefix="/graphql")
    return serving.run(app, host, port, on_ready)
