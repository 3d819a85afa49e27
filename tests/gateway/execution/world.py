"""Upstreams that answer everything, or fail as a test wants it, and both ways to execute a query over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from graphql import OperationDefinitionNode, parse

from gateway.clients.events import Principal
from gateway.context import Context, Services
from gateway.execution.executor import QueryExecutor
from gateway.execution.plans import Plans
from gateway.schema import create_schema
from infra.chassis.auth import ServiceTokens
from infra.chassis.upstream import InProcess, Upstream
from tests.gateway import documents as build
from tests.gateway.execution.told import Told
from tests.gateway.stubs import Stub, page

Json = dict[str, Any]
SCHEMA = create_schema()
EXECUTOR = QueryExecutor(SCHEMA, SCHEMA.core)
MOMENT = "2026-03-01T10:00:00Z"


@dataclass(frozen=True)
class Weather:
    """Who asks, and what goes wrong."""

    scopes: frozenset[str]
    away: frozenset[str] = frozenset()
    """Services."""
    refusing: frozenset[str] = frozenset()
    """Parts of paths."""
    gone: frozenset[str] = frozenset()
    """Ids and keys of what is not there."""


class World:
    def __init__(self, stubs: dict[str, Stub], services: Services) -> None:
        self._stubs = stubs
        self._services = services
        self._scopes: frozenset[str] = frozenset()

    def becomes(self, weather: Weather) -> None:
        self._scopes = weather.scopes
        for name, answers in _answers(weather.gone).items():
            stub = self._stubs[name]
            stub.away = name in weather.away
            stub.answers = answers
            for path in answers:
                if any(part in path for part in weather.refusing):
                    answers[path] = build.problem(409, "NOT_NOW")

    async def by_strawberry(self, asked: str, variables: Json) -> Told:
        context = self._context(asked)
        return Told.of(await SCHEMA.execute(asked, variable_values=variables, context_value=context))

    async def by_plan(self, asked: str, variables: Json, plans: Plans | None = None) -> Told:
        context = self._context(asked)
        [operation] = [one for one in context.document.definitions if isinstance(one, OperationDefinitionNode)]
        result = await EXECUTOR.execute(plans or Plans(context.document), operation, variables, context)
        assert result is not None
        return Told.of(result)

    def calls(self) -> list[str]:
        """What the services were asked since the last time, in an order of its own, as are the keys of each call."""
        calls = [repr((call.path, _in_order(call.body))) for stub in self._stubs.values() for call in stub.calls]
        for stub in self._stubs.values():
            stub.calls.clear()
        return sorted(calls)

    def _context(self, asked: str) -> Context:
        return Context(
            document=parse(asked),
            fields=frozenset(),
            principal=Principal(workspace="default", source="api", kind="SECRET", scopes=self._scopes),
            personas=self._services.personas_client("default"),
            journeys=self._services.journeys_client("default"),
            events=self._services.events_client("default"),
        )


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    tokens = ServiceTokens("a signing key of the tests, long enough", lambda: 1_800_000_000_000_000)
    stubs = {name: Stub(name, tokens) for name in ("events", "journeys", "personas")}
    upstreams = {name: Upstream(name, InProcess(_app(stub))) for name, stub in stubs.items()}
    yield World(stubs, Services(**upstreams, tokens=tokens))
    for upstream in upstreams.values():
        await upstream.close()


def _in_order(body: Json) -> Json:
    return {name: sorted(value, key=repr) if isinstance(value, list) else value for name, value in body.items()}


def _app(stub: Stub) -> Callable[[], Stub]:
    return lambda: stub


def _answers(gone: frozenset[str]) -> dict[str, dict[str, Callable[[Json], Any]]]:
    def each(member: str, asked: str, make: Callable[[Any], Any]) -> Callable[[Json], Json]:
        return lambda body: {member: [None if _key(one) in gone else make(one) for one in body[asked]]}

    def pages(asked: str, make: Callable[[Any], list[Json]]) -> Callable[[Json], Json]:
        return each("pages", asked, lambda one: page(make(one)[: len(_key(one)) % 3 + 1]))

    of_events = {
        "projection/wait": lambda _: {"stale": False},
        "customers/find": each("customers", "identifiers", lambda one: build.customer(one["value"])),
        "customers/read": each("customers", "ids", build.customer),
        "events/read": each("events", "ids", build.event),
        "instances/read": each("instances", "ids", _instance),
        "instances/query": lambda _: page([_instance(f"i{number}") for number in range(4)]),
        "instances/of-customers": pages("customers", lambda one: [_instance("i1"), _instance("i2")]),
        "instances/explain": each("explanations", "instances", lambda _: [{"text": "So.", "events": ["e1", "e0"]}]),
        "instances/of-events": each("instances", "events", lambda one: [_instance("i1"), _instance("i3")]),
        "timelines": pages("customers", lambda one: [build.event(f"{one}-e{number}") for number in range(3)]),
        "steps": pages("instances", lambda one: [build.step(_key(one), "e1"), build.step(_key(one), "e2", phase=None)]),
        "rejected-events/read": each("rejectedEvents", "ids", build.rejected_event),
        "insights/read": each("insights", "journeys", lambda _: _INSIGHTS),
        "insights/drop-offs": pages("dropOffs", lambda _: [_instance("i1")]),
    }
    past = {f"past/{name}": answer for name, answer in of_events.items()}
    return {
        "events": {
            **{f"POST /internal/{name}": answer for name, answer in (of_events | past).items()},
            "GET /internal/sources": lambda _: {"sources": [build.source()]},
            "GET /internal/rejected-events": lambda _: page([build.rejected_event(), build.rejected_event("8-1")]),
            "GET /internal/projection": lambda _: _PROJECTION,
        },
        "journeys": {
            "POST /internal/journeys/read": each("journeys", "items", _journey),
            "GET /internal/journeys": lambda _: {"items": [_JOURNEY], "hasNextPage": False, "totalCount": 1},
            "GET /internal/journeys/purchase/versions": lambda _: {"journeys": [_JOURNEY, _JOURNEY]},
        },
        "personas": {
            "POST /internal/personas/read": each("personas", "items", _persona),
            "GET /internal/personas": lambda _: {"items": [_PERSONA], "hasNextPage": True, "totalCount": 7},
            "GET /internal/personas/commuter/versions": lambda _: {"personas": [_PERSONA]},
        },
    }


def _key(one: Any) -> str:
    return str(one["key"] if isinstance(one, dict) and "key" in one else one)


def _instance(id: str) -> Json:
    """Of three versions of one journey; every second has dropped off."""
    number = int(id[1:])
    drop_off = {"reason": "UNKNOWN", "at": MOMENT, "phase": build.phase("pay"), "evidence": ["e1", "e0"]}
    return build.instance(
        id, customerId=f"k{number % 3}", version=number % 3 + 1, dropOff=drop_off if number % 2 else None
    )


def _journey(item: Json) -> Json:
    version = item["version"] or 1
    evidence = {"rung": "RESEARCH", "kind": "survey", "summary": "Asked.", "sampleSize": 12}
    lanes = [{"lane": "pain", "text": "Far", "evidence": [evidence]}, {"lane": "pain", "text": "Wet", "evidence": None}]
    return build.journey(
        item["key"],
        version=version,
        personas=["commuter", f"persona-{version}", "gone"],
        phases=[build.phase(lanes=lanes)],
        hypotheses=[{"key": "h", "statement": "Soon.", "measure": "share", "claim": 0.25}],
    )


def _persona(item: Json) -> Json:
    return build.persona(item["key"], goals=[build.persona_item()], realGoal=build.persona_item("Rest"))


_JOURNEY = _journey({"key": "purchase", "version": 1})
_PERSONA = _persona({"key": "commuter"})
_PROJECTION = {
    "position": None, "logged": 3, "projected": 2, "lag": 1, "oldestUnprojectedAge": "PT1S", "rebuilding": False,
    "rebuilds": [{"journey": "purchase", "versions": [1], "live": True, "folded": 3, "share": 0.5}], "stuck": 0,
}  # fmt: skip
_INSIGHTS = {
    "answeredBy": "counters",
    "instances": 3,
    "byStatus": [{"status": "ABANDONED", "count": 2}],
    "funnel": [{"phase": "look", "reached": 3, "continued": 1, "dropped": 2}],
    "flow": {"edges": [{"from": "START", "to": "viewed", "count": 3, "medianGap": None}]},
    "hops": {"channel": [{"from": "web", "to": "shop", "count": 4}], "device": [], "source": []},
    "dropOffs": [{"phase": "look", "reason": "EXTRA_COST", "device": "mobile", "count": 2}],
}
