"""Customer tokens: one customer, told what may be disclosed to them, and nothing about anybody else."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationType, build_schema

from gateway.relay import global_id
from gateway.schema import SDL
from infra.chassis.errors import Flaw, Invalid
from tests.gateway.documents import assignment, customer, event, explanation, instance, ledger_entry, principal, step
from tests.gateway.harness import Gateway
from tests.gateway.stubs import authenticate, page

Json = dict[str, Any]
ADA = {"type": "user_id", "value": "ada"}
MINT = """mutation ($identifier: IdentifierInput!, $lifetime: Duration) {
    mintCustomerToken(identifier: $identifier, lifetime: $lifetime) { token expiresAt errors { code path } } }"""
ME = "{ me { identifiers { value } traits } }"


def token(*scopes: str, **more: Any) -> Json:
    return principal(*scopes, kind="CUSTOMER") | {"customer": ADA} | more


@pytest.fixture(autouse=True)
def tokens(api: Gateway) -> None:
    api.events.answers["POST /internal/authenticate"] = authenticate(
        {
            "a.b.c": token("events:write", "pii:read"),
            "bare.b.c": token(),
            "sk_all": principal("customers:read", "pii:read") | {"key": "0a0b"},
            "sk_models": principal("models:read"),
        }
    )


def told(api: Gateway) -> None:
    answers = api.events.answers
    answers["POST /internal/disclosed/customers/find"] = lambda _: {"customers": [customer()]}
    answers["POST /internal/disclosed/customers/ledgers"] = lambda _: {"ledgers": [[ledger_entry()]]}
    answers["POST /internal/disclosed/customers/read"] = lambda _: {"customers": [customer()]}
    answers["POST /internal/disclosed/personas/of-customers"] = lambda _: {
        "assignments": [assignment("commuter", "e1")]
    }
    answers["POST /internal/disclosed/timelines"] = lambda _: {"pages": [page([event()])]}
    answers["POST /internal/disclosed/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    answers["POST /internal/disclosed/instances/of-customers"] = lambda _: {"pages": [page([instance()])]}
    answers["POST /internal/disclosed/instances/of-events"] = lambda body: {"instances": [[] for _ in body["events"]]}
    answers["POST /internal/disclosed/instances/explain"] = lambda body: {
        "explanations": [[explanation("e1")] for _ in body["instances"]]
    }
    answers["POST /internal/disclosed/steps"] = lambda _: {"pages": [page([step()])]}


async def test_a_key_mints_a_token_for_what_it_may_do_itself(api: Gateway) -> None:
    api.events.answers["POST /internal/customer-tokens"] = lambda _: {
        "token": "x.y.z",
        "expiresAt": "2026-11-22T12:00:00Z",
    }
    assert await api.data(MINT, variables={"identifier": ADA}) == {
        "mintCustomerToken": {"token": "x.y.z", "expiresAt": "2026-11-22T12:00:00Z", "errors": []}
    }
    await api.data(MINT, variables={"identifier": ADA, "lifetime": "PT5M"})
    assert api.events.bodies("/internal/customer-tokens") == [
        {
            "source": "api",
            "key": "0a0b",
            "scopes": ["customers:read", "pii:read"],
            "identifier": ADA,
            "lifetime": lifetime,
        }
        for lifetime in ("PT1H", "PT5M")
    ]


async def test_what_is_wrong_with_a_wish_is_told_in_the_payload(api: Gateway) -> None:
    def refuse(_body: Json) -> Json:
        raise Invalid("no", errors=[Flaw("INVALID_VALUE", "too long", ("lifetime",))])

    api.events.answers["POST /internal/customer-tokens"] = refuse
    assert await api.data(MINT, variables={"identifier": ADA, "lifetime": "P9D"}) == {
        "mintCustomerToken": {
            "token": None,
            "expiresAt": None,
            "errors": [{"code": "INVALID_VALUE", "path": ["lifetime"]}],
        }
    }


@pytest.mark.parametrize("key", ["a.b.c", "sk_models"])
async def test_whoever_may_not_read_customers_mints_no_token(api: Gateway, key: str) -> None:
    assert await api.errors(MINT, key=key, variables={"identifier": ADA}) == [("mintCustomerToken", "FORBIDDEN")]
    assert api.events.paths() == []


async def test_me_is_told_only_what_may_be_disclosed(api: Gateway) -> None:
    told(api)
    query = """{ me { identifiers { value } traits ledger { reason event { name } }
        firstContact { name } lastContact { name }
        persona { personaKey version fit because { text events { name } } }
        timeline { edges { node { properties identifiers { value } instances { status } } } }
        instances { edges { node { status phase { key } customer { firstSeenAt } dropOff { evidence { name } }
            explain { text events { name } } steps { edges { node { event { name } } } } } } } } }"""
    await api.data(query, key="a.b.c")
    assert {path.split("/")[2] for path in api.events.paths()} == {"disclosed"}
    assert all(call.body["discloseTo"] == ADA for call in api.events.calls if call.path != "/internal/authenticate")
    assert api.events.bodies("/internal/disclosed/customers/find") == [{"discloseTo": ADA, "identifiers": [ADA]}]


@pytest.mark.parametrize(
    "inner",
    [
        "persona { because { rule } }",
        "instances { edges { node { explain { rule } } } }",
        "instances { edges { node { phase { lanes { text } } } } }",
        "instances { edges { node { phase { outsideFigures { value } } } } }",
        "instances { edges { node { phase { touchpoints { recognisedBy } } } } }",
        "instances { edges { node { phase { touchpoints { owner } } } } }",
        "instances { edges { node { touchpoint { claimedEmotion } } } }",
        "instances { edges { node { touchpoint { lanes { text } } } } }",
        "instances { edges { node { steps { edges { node { touchpoint { recognisedBy } } } } } } }",
    ],
)
async def test_what_authors_think_is_not_for_customers(api: Gateway, inner: str) -> None:
    told(api)
    codes = {code for _path, code in await api.errors(f"{{ me {{ {inner} }} }}", key="a.b.c")}
    assert codes == {"FORBIDDEN"}


async def test_me_waits_for_a_position_and_is_null_before_anything_can_be_told(api: Gateway) -> None:
    api.events.answers["POST /internal/disclosed/customers/find"] = lambda _: {"customers": [None]}
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": False}
    assert await api.data('{ me(position: "p1") { firstSeenAt } }', key="a.b.c") == {"me": None}
    assert api.events.paths() == ["/internal/projection/wait", "/internal/disclosed/customers/find"]


async def test_a_key_is_nobody_in_particular(api: Gateway) -> None:
    assert await api.errors(ME) == [("me", "FORBIDDEN")]


async def test_what_the_minting_key_could_not_read_its_token_cannot(api: Gateway) -> None:
    told(api)
    assert await api.errors(ME, key="bare.b.c") == [("me.identifiers", "FORBIDDEN")]
    assert await api.data("{ me { firstSeenAt } }", key="bare.b.c") == {"me": {"firstSeenAt": "2026-03-01T10:00:00Z"}}
    record = "mutation { recordEvents(events: []) { accepted } }"
    assert await api.errors(record, key="bare.b.c") == [("recordEvents", "FORBIDDEN")]


async def test_its_events_are_of_the_minting_source_and_of_its_customer(api: Gateway) -> None:
    api.events.answers["POST /internal/events"] = lambda _: {
        "accepted": 1,
        "rejected": 0,
        "results": [{"messageId": "m", "status": "ACCEPTED"}],
        "position": "p1",
    }
    for mutation in (
        'recordEvents(events: [{messageId: "m", name: "Seen", identifiers: []}]) { accepted }',
        'identify(identifiers: [], traits: {plan: "gold"}) { position }',
    ):
        await api.data(f"mutation {{ {mutation} }}", key="a.b.c")
    assert [(body["source"], body["trust"], body["customer"]) for body in api.events.bodies("/internal/events")] == [
        ("api", "VERIFIED", ADA)
    ] * 2


CUSTOMER, EVENT = global_id("Customer", "k1"), global_id("TouchpointEvent", "1-0")
SOMEBODY_ELSE = {
    "node": f'node(id: "{CUSTOMER}") {{ id }}',
    "nodes": f'nodes(ids: ["{EVENT}"]) {{ id }}',
    "customer": 'customer(identifier: {type: "user_id", value: "ada"}) { firstSeenAt }',
    "workspace": "workspace { settings }",
    "customers": "customers { edges { node { firstSeenAt } } }",
    "instances": "instances { totalCount }",
    "journey": 'journey(key: "shop") { name }',
    "journeys": "journeys { totalCount }",
    "journeyTemplates": "journeyTemplates { key }",
    "persona": 'persona(key: "family") { name }',
    "personas": "personas { totalCount }",
    "projection": "projection { lag }",
    "rejectedEvents": "rejectedEvents { totalCount }",
    "sources": "sources { key }",
    "saveSource": 'saveSource(input: {key: "a", name: "A"}) { key }',
    "rotateKey": 'rotateKey(source: "api") { key }',
    "revokeKey": 'revokeKey(id: "0a") { errors { code } }',
    "resubmitRejectedEvents": "resubmitRejectedEvents(ids: []) { accepted }",
    "saveSettings": "saveSettings(settings: {}) { key }",
    "createJourneyFromTemplate": 'createJourneyFromTemplate(template: "a", key: "b", name: "B") { errors { code } }',
    "saveJourney": 'saveJourney(input: {key: "a", name: "A", phases: []}) { errors { code } }',
    "publishJourney": 'publishJourney(key: "a") { pending }',
    "savePersona": 'savePersona(input: {key: "a", name: "A"}) { errors { code } }',
    "publishPersona": 'publishPersona(key: "a") { errors { code } }',
    "mintCustomerToken": 'mintCustomerToken(identifier: {type: "user_id", value: "ada"}) { token }',
}  # fmt: skip
OPEN_TO_IT = {"me", "recordEvents", "identify"}


@pytest.mark.parametrize("name", SOMEBODY_ELSE)
async def test_everything_else_is_forbidden_and_nothing_is_asked(api: Gateway, name: str) -> None:
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    mutation = schema.get_root_type(OperationType.MUTATION)
    assert mutation is not None
    query = f"{'mutation ' if name in mutation.fields else ''}{{ {SOMEBODY_ELSE[name]} }}"
    assert await api.errors(query, key="a.b.c") == [(name, "FORBIDDEN")]
    assert (api.events.paths(), api.journeys.paths(), api.personas.paths()) == ([], [], [])


def test_every_field_at_the_root_is_either_open_to_a_token_or_tried_above() -> None:
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    roots = [schema.get_root_type(kind) for kind in (OperationType.QUERY, OperationType.MUTATION)]
    assert {name for root in roots if root for name in root.fields} == SOMEBODY_ELSE.keys() | OPEN_TO_IT


@pytest.mark.parametrize(
    ("selection", "place"),
    [
        ("instances { edges { node { journey { name } } } }", "me.instances.edges.0.node.journey"),
        ("persona { persona { name } }", "me.persona.persona"),
        ("timeline { edges { node { source { origins } } } }", "me.timeline.edges.0.node.source"),
    ],
)
async def test_from_its_customer_no_way_leads_to_models_or_sources(api: Gateway, selection: str, place: str) -> None:
    told(api)
    assert await api.errors(f"{{ me {{ {selection} }} }}", key="a.b.c") == [(place, "FORBIDDEN")]
    assert (api.journeys.paths(), "/internal/sources" in api.events.paths()) == ([], False)


async def test_a_token_is_refused_as_soon_as_it_ends(api: Gateway) -> None:
    told(api)
    ends = api.clock.now + 1_000_000
    known = {"a.b.c": token("pii:read", expiresAt=ends)}
    api.events.answers["POST /internal/authenticate"] = authenticate(known)
    await api.data(ME, key="a.b.c")
    known.clear()
    api.clock.now = ends
    response = await api.post(ME, key="a.b.c")
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHENTICATED")


async def test_the_customer_that_identify_gives_back_is_for_keys(api: Gateway) -> None:
    api.events.answers["POST /internal/events"] = lambda _: {
        "accepted": 1,
        "rejected": 0,
        "results": [],
        "position": "p1",
    }
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": False}
    other = 'mutation { identify(identifiers: [{type: "user_id", value: "bob"}], wait: true) { customer { traits } } }'
    assert await api.errors(other, key="a.b.c") == [("identify.customer", "FORBIDDEN")]
    assert api.events.paths() == ["/internal/events", "/internal/projection/wait"]
