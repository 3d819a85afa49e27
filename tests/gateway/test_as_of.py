"""A customer as of a past moment: nothing that hangs on it shows the present."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import create_app
from gateway.schema import create_schema
from gateway.settings import Settings
from infra.chassis.upstream import InProcess, Upstream
from tests.gateway.documents import (
    assignment,
    customer,
    event,
    explanation,
    instance,
    journey,
    ledger_entry,
    persona,
    principal,
    source,
    step,
)
from tests.gateway.feeds import StubFeeds
from tests.gateway.harness import ALL_SCOPES, Gateway, ManualClock
from tests.gateway.stubs import Stub, authenticate, page
from tests.support.lives import Life, happening
from tests.support.state import TOKENS, State

Json = dict[str, Any]
THEN = "2026-03-02T10:00:00Z"
FIND = 'customer(identifier: {type: "user_id", value: "u1"}, asOf: "%s")'
SCHEMA = create_schema().core


@pytest.fixture
def past(api: Gateway) -> None:
    """Events answers about the past only, and journeys as ever."""
    dropped = {"reason": "OTHER", "phase": None, "at": THEN, "evidence": ["e7"]}
    api.events.answers |= {
        "POST /internal/past/customers/find": lambda body: {"customers": [customer() for _ in body["identifiers"]]},
        "POST /internal/past/customers/ledgers": lambda body: {"ledgers": [[ledger_entry()]] * len(body["customers"])},
        "POST /internal/past/customers/read": lambda body: {"customers": [customer(id) for id in body["ids"]]},
        "POST /internal/past/personas/of-customers": lambda body: {
            "assignments": [assignment("commuter", "e3") for _ in body["customers"]]
        },
        "POST /internal/past/events/read": lambda body: {"events": [event(id) for id in body["ids"]]},
        "POST /internal/past/timelines": lambda body: {"pages": [page([event("e2")]) for _ in body["customers"]]},
        "POST /internal/past/instances/of-customers": lambda body: {
            "pages": [page([instance(dropOff=dropped)], totalCount=1) for _ in body["customers"]]
        },
        "POST /internal/past/instances/of-events": lambda body: {"instances": [[instance()] for _ in body["events"]]},
        "POST /internal/past/instances/explain": lambda body: {
            "explanations": [[explanation("e3")] for _ in body["instances"]]
        },
        "POST /internal/past/steps": lambda body: {"pages": [page([step()]) for _ in body["instances"]]},
        "GET /internal/sources": lambda _: {"sources": [source()]},
    }
    api.journeys.answers["POST /internal/journeys/read"] = lambda body: {"journeys": [journey() for _ in body["items"]]}
    api.personas.answers["POST /internal/personas/read"] = lambda body: {"personas": [persona() for _ in body["items"]]}


def selections(kind: GraphQLObjectType, depth: int) -> str:
    """Every field of a type that needs no argument, and so on below it. The model is no state of a customer."""

    def fields() -> Iterator[str]:
        for name, field in kind.fields.items():
            if any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values()):
                continue
            below = _below(field)
            if below is None:
                yield name
            elif below.name in ("Journey", "Persona", "Source"):
                yield name + " { key }"
            elif depth:
                yield f"{name}{_page(field)} {selections(below, depth - 1)}"

    return "{ " + " ".join(fields()) + " __typename }"


def _page(field: GraphQLField) -> str:
    """Small ones: pages of pages of pages go over the limit of what a document may cost."""
    return "(first: 2)" if "first" in field.args else ""


def _below(field: GraphQLField) -> GraphQLObjectType | None:
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return None
    assert isinstance(kind, GraphQLObjectType)
    return kind


@pytest.mark.usefixtures("past")
async def test_no_field_that_hangs_on_it_asks_for_the_present(api: Gateway) -> None:
    """Of every field that the schema has, so that one added later is not forgotten."""
    customer_type = SCHEMA.type_map["Customer"]
    assert isinstance(customer_type, GraphQLObjectType)
    for name, field in customer_type.fields.items():
        below = _below(field)
        nested = selections(below, 4) if below else ""
        await api.data(f"{{ {FIND % THEN} {{ {name}{_page(field)} {nested} }} }}")
    allowed = {"/internal/sources"}
    asked = {path for path in api.events.paths() if path not in allowed}
    assert asked == {
        f"/internal/past/{call}"
        for call in (
            "customers/find",
            "customers/read",
            "customers/ledgers",
            "personas/of-customers",
            "events/read",
            "timelines",
            "instances/of-customers",
            "instances/of-events",
            "instances/explain",
            "steps",
        )
    }
    assert {call.body["asOf"] for call in api.events.calls if call.path in asked} == {THEN}
    assert api.events.bodies("/internal/past/instances/explain")[0] == {
        "asOf": THEN,
        "instances": [{"customer": "k1", "instance": "i1"}],
    }
    assert api.events.bodies("/internal/past/steps")[0] == {
        "asOf": THEN,
        "instances": [{"customer": "k1", "instance": "i1"}],
        "first": 2,
        "after": None,
    }


@pytest.mark.usefixtures("past")
async def test_moments_are_not_mixed(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda body: {"customers": [customer("now")]}
    api.events.answers["POST /internal/timelines"] = lambda body: {"pages": [page([event("today")])]}
    api.events.answers["POST /internal/past/timelines"] = lambda body: {"pages": [page([event(body["asOf"])])]}
    query = """query ($one: DateTime, $none: DateTime) {
        a: %s { lastContact { messageId } }
        b: customer(identifier: {type: "user_id", value: "u1"}, asOf: $one) { lastContact { messageId } }
        c: customer(identifier: {type: "user_id", value: "u1"}, asOf: $none) { lastContact { messageId } }
        d: customer(identifier: {type: "user_id", value: "u1"}, asOf: "2026-03-01T11:00:00+01:00") { id }
    }"""
    found = await api.data(query % (FIND % THEN), variables={"one": "2026-03-01T10:00:00Z", "none": None})
    assert [found[name]["lastContact"]["messageId"] for name in "abc"] == [
        f"m-{THEN}",
        "m-2026-03-01T10:00:00Z",
        "m-today",
    ]
    finds = api.events.bodies("/internal/past/customers/find")
    assert sorted(body["asOf"] for body in finds) == ["2026-03-01T10:00:00Z", THEN], "equal moments share a call"
    assert all(len(body["identifiers"]) == 1 for body in finds)


@pytest.mark.usefixtures("past")
async def test_the_past_is_read_once_the_position_is_projected(api: Gateway) -> None:
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": True}
    query = '{ customer(identifier: {type: "user_id", value: "u1"}, asOf: "%s", position: "p1") { id } }'
    assert (await api.ask(query % THEN))["extensions"] == {"stale": True}
    assert api.events.paths() == ["/internal/projection/wait", "/internal/past/customers/find"]


@pytest.mark.parametrize("moment", ["yesterday", "2026-02-30T00:00:00Z", ""])
async def test_a_moment_that_is_none_is_refused_as_every_datetime(api: Gateway, moment: str) -> None:
    assert await api.errors("{ %s { id } }" % (FIND % moment)) == [("", "GRAPHQL_VALIDATION_FAILED")]
    assert api.events.paths() == []


@pytest.mark.usefixtures("past")
async def test_nobody_yet_is_null(api: Gateway) -> None:
    api.events.answers["POST /internal/past/customers/find"] = lambda _: {"customers": [None]}
    assert await api.ask("{ %s { id } }" % (FIND % THEN)) == {"data": {"customer": None}}


# --- one story, over the real routes of events -----------------------------------------------------------------------

SHOP: Json = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "Viewed", "channel": "any", "recognisedBy": 'name == "View"'}],
        },
        {
            "key": "buy",
            "name": "Buy",
            "touchpoints": [{"key": "bought", "name": "Bought", "channel": "any", "recognisedBy": 'name == "Buy"'}],
        },
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}
VISITOR, USER = ("anonymous_id", "a1"), ("user_id", "u1")
STORY = """query ($asOf: DateTime) {
  customer(identifier: {type: "user_id", value: "u1"}, asOf: $asOf) {
    identifiers { type trust } traits lastSeenAt firstContact { name } lastContact { name }
    instances { totalCount edges { node {
      run status phase { key } endedAt dueAt dropOff { reason } customer { lastSeenAt }
      steps { edges { node { direction event { messageId instances { status } } } } }
    } } }
    timeline { edges { node { messageId identifiers { trust } instances { run status } } } }
  }
}"""


@asynccontextmanager
async def front(state: State) -> AsyncIterator[Gateway]:
    """A gateway before the state's routes; keys, sources, journeys and personas are stubs."""
    stub, journeys, personas = (Stub(name, TOKENS) for name in ("events", "journeys", "personas"))
    stub.answers["POST /internal/authenticate"] = authenticate({"sk_all": principal(*ALL_SCOPES)})

    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        app = stub if scope["path"] == "/internal/authenticate" else state.app
        await app(scope, receive, send)

    apps: dict[str, ASGIApp] = {"events": events, "journeys": journeys, "personas": personas}
    upstreams = {name: Upstream(name, InProcess(partial(apps.__getitem__, name))) for name in apps}
    clock = ManualClock()
    settings, feeds = Settings(environment="development"), StubFeeds()
    app = create_app(settings, **upstreams, feeds=feeds, tokens=TOKENS, clock=clock)
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.ASGITransport(app)) as http:
        yield Gateway(stub, journeys, personas, http, clock, feeds, app)
    for upstream in upstreams.values():
        await upstream.close()


def told(customer: Json | None) -> Any:
    """The answer in few words; every place that tells the same must agree."""
    if customer is None:
        return None
    runs = [edge["node"] for edge in customer["instances"]["edges"]]
    assert customer["instances"]["totalCount"] == len(runs)
    assert all(run["customer"]["lastSeenAt"] == customer["lastSeenAt"] for run in runs)
    for run in runs:
        for edge in run["steps"]["edges"]:
            assert edge["node"]["event"]["instances"] == [{"status": run["status"]}]
    events = [edge["node"] for edge in customer["timeline"]["edges"]]
    steps = {run["run"]: [edge["node"] for edge in run["steps"]["edges"]] for run in runs}
    takers = {node["event"]["messageId"]: run["run"] for run in runs for node in steps[run["run"]]}
    assert {event["messageId"]: taker["run"] for event in events for taker in event["instances"]} == takers
    return {
        "known by": [identifier["type"] for identifier in customer["identifiers"]],
        "traits": customer["traits"],
        "contacts": (customer["firstContact"]["name"], customer["lastContact"]["name"]),
        "events": [event["messageId"] for event in events],
        "runs": [
            (
                f"{run['run']} {run['status']} in {run['phase']['key']}",
                run["endedAt"] or run["dueAt"],
                run["dropOff"] and run["dropOff"]["reason"],
                [f"{node['direction']} {node['event']['messageId']}" for node in steps[run["run"]]],
            )
            for run in runs
        ],
    }


async def test_a_story_with_silence_a_merge_and_a_late_event(database_url: str) -> None:
    async with State(database_url) as state, front(state) as api:
        await state.publish(SHOP)

        async def as_of(day: int) -> Any:
            moment = f"2026-01-{day + 1:02}T00:00:00Z"
            return told((await api.data(STORY, variables={"asOf": moment}))["customer"])

        # A visitor looks around, leaves for long, comes back, logs in and buys.
        life = Life(state, VISITOR)
        await life.goes_on(
            happening("m0", "View", 0, VISITOR),
            happening("m9", "View", 9, VISITOR),
            happening("m10", "Identify", 10, USER, VISITOR, kind="identify", traits={"plan": "gold"}, verified=True),
            happening("m12", "Buy", 12, USER),
        )
        by_visitor = {"known by": ["anonymous_id"], "traits": {}, "contacts": ("View", "View")}
        by_user = {"known by": ["user_id", "anonymous_id"], "traits": {"plan": "gold"}}
        looking = ("1 ACTIVE in look", "2026-01-08T00:00:00Z", None, ["START m0"])
        gone = ("1 ABANDONED in look", "2026-01-08T00:00:00Z", "UNKNOWN", ["START m0"])
        back = ("2 ACTIVE in look", "2026-01-17T00:00:00Z", None, ["REENTER m9"])
        # Today's identity: whoever asks by the login finds who was a visitor then.
        assert await as_of(6) == by_visitor | {"events": ["m0"], "runs": [looking]}
        # Silence: nothing happened on day 7, and yet something did.
        assert await as_of(7) == by_visitor | {"events": ["m0"], "runs": [gone]}
        assert await as_of(9) == by_visitor | {"events": ["m9", "m0"], "runs": [back, gone]}
        # The login, and then the order.
        contacts = {"contacts": ("View", "Identify")}
        assert await as_of(10) == by_user | contacts | {"events": ["m10", "m9", "m0"], "runs": [back, gone]}
        bought = ("2 COMPLETED in buy", "2026-01-13T00:00:00Z", None, ["REENTER m9", "FORWARD m12"])
        ordered = {"contacts": ("View", "Buy"), "events": ["m12", "m10", "m9", "m0"]}
        assert await as_of(12) == by_user | ordered | {"runs": [bought, gone]}
        assert await as_of(30) == await as_of(12), "aftercare ends in silence, the status stays"

        # A view of day 5 comes in late: the silence of day 7 never was, and the moments before it stay as they were.
        await life.goes_on(happening("m5", "View", 5, VISITOR))
        assert await as_of(4) == by_visitor | {"events": ["m0"], "runs": [looking]}
        stayed = ("1 ACTIVE in look", "2026-01-13T00:00:00Z", None, ["START m0", "STAY m5"])
        assert await as_of(7) == by_visitor | {"events": ["m5", "m0"], "runs": [stayed]}
        whole = ("1 COMPLETED in buy", "2026-01-13T00:00:00Z", None, ["START m0", "STAY m5", "STAY m9", "FORWARD m12"])
        assert (await as_of(12))["runs"] == [whole]

        # Another device turns out to be theirs: with today's identity its past is theirs, too.
        tablet = ("anonymous_id", "a2")
        await life.goes_on(
            happening("t-3", "View", 3, tablet), happening("t13", "Identify", 13, USER, tablet, kind="identify")
        )
        assert await as_of(3) == {
            "known by": ["anonymous_id", "anonymous_id"],
            "traits": {},
            "contacts": ("View", "View"),
            "events": ["t-3", "m0"],
            "runs": [("1 ACTIVE in look", "2026-01-11T00:00:00Z", None, ["START m0", "STAY t-3"])],
        }

        # Before the first event there was nobody.
        assert told((await api.data(STORY, variables={"asOf": "2025-12-31T23:59:59Z"}))["customer"]) is None


async def test_trust_is_that_of_the_moment(sqlite_url: str) -> None:
    async with State(sqlite_url) as state, front(state) as api:
        life = Life(state, USER)
        await life.goes_on(happening("m0", "View", 0, USER), happening("m1", "View", 1, USER, verified=True))
        query = """{ %s { identifiers { trust } lastContact { identifiers { trust } } } }"""
        for moment, trust in (("2026-01-01T23:59:59.999999Z", "CLAIMED"), ("2026-01-02T00:00:00Z", "VERIFIED")):
            known = [{"trust": trust}]
            found = await api.data(query % (FIND % moment))
            assert found["customer"] == {"identifiers": known, "lastContact": {"identifiers": known}}
