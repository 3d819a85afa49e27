"""Keys, scopes and workspaces."""

from __future__ import annotations

import logging

import msgspec
import pytest

from tests.gateway.documents import customer, event, instance, principal
from tests.gateway.harness import Gateway, gateway
from tests.gateway.stubs import authenticate, page

PROJECTION = "{ projection { lag } }"
STATUS = {"position": "p9", "logged": 9, "projected": 9, "lag": 0, "oldestUnprojectedAge": None, "rebuilding": False}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sk_unknown"}, {"Authorization": "Basic c2tfYWxsOg=="}]
)
async def test_an_absent_or_unknown_key_is_unauthenticated(api: Gateway, headers: dict[str, str]) -> None:
    response = await api.http.post("/graphql", json={"query": PROJECTION}, headers=headers)
    body = response.json()
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert [error["extensions"] for error in body["errors"]] == [{"code": "UNAUTHENTICATED"}]
    assert (body["code"], body["message"]) == ("UNAUTHENTICATED", body["errors"][0]["message"])
    assert api.events.paths() == []


async def test_a_write_key_is_forbidden(api: Gateway) -> None:
    response = await api.post(PROJECTION, key="wk_site")
    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert api.events.paths() == []


async def test_while_events_is_away_no_key_is_called_unknown(api: Gateway) -> None:
    api.events.away = True
    response = await api.post(PROJECTION)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["errors"][0]["extensions"] == {"code": "UPSTREAM_UNAVAILABLE"}


async def test_a_key_is_asked_for_at_most_every_five_seconds(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    for seconds, asked in ((0, 1), (4.9, 1), (0.1, 2), (1, 2)):
        api.clock.now += int(seconds * 1_000_000)
        assert await api.data(PROJECTION) == {"projection": {"lag": 0}}
        assert len(api.events.bodies("/internal/authenticate")) == asked


async def test_a_revoked_key_is_refused_after_five_seconds(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    await api.data(PROJECTION)
    api.events.answers["POST /internal/authenticate"] = authenticate({})
    api.clock.now += 5_000_000
    assert (await api.post(PROJECTION)).status_code == 401


async def test_only_the_last_used_keys_are_remembered(api: Gateway) -> None:
    keys = {f"sk_{number}": principal() for number in range(1_025)}
    api.events.answers["POST /internal/authenticate"] = authenticate(keys)
    for key in [*keys, "sk_1024", "sk_0"]:
        await api.post(PROJECTION, key=key)
    assert len(api.events.bodies("/internal/authenticate")) == 1_026


async def test_keys_are_authenticated_for_any_workspace_and_act_in_their_own(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    await api.data(PROJECTION, key="sk_all")
    await api.data(PROJECTION, key="sk_other")
    assert [(call.path, call.workspace) for call in api.events.calls] == [
        ("/internal/authenticate", "*"),
        ("/internal/projection", "default"),
        ("/internal/authenticate", "*"),
        ("/internal/projection", "other"),
    ]


@pytest.mark.parametrize(
    ("operation", "scope"),
    [
        ('{ journey(key: "a") { key } }', "models:read"),
        ('{ customer(identifier: {type: "user_id", value: "a"}) { firstSeenAt } }', "customers:read"),
        ("{ instances { totalCount } }", "customers:read"),
        ("{ projection { lag } }", "customers:read"),
        ("{ rejectedEvents { totalCount } }", "customers:read"),
        ("mutation { recordEvents(events: []) { accepted } }", "events:write"),
        ('mutation { identify(identifiers: [{type: "email", value: "a@b"}]) { position } }', "events:write"),
        ('mutation { saveJourney(input: {key: "a", name: "A", phases: []}) { errors { code } } }', "models:write"),
        ('mutation { publishJourney(key: "a") { pending } }', "models:write"),
        ('{ persona(key: "a") { key } }', "models:read"),
        ("{ personas { totalCount } }", "models:read"),
        ('mutation { savePersona(input: {key: "a", name: "A"}) { errors { code } } }', "models:write"),
        ('mutation { publishPersona(key: "a") { errors { code } } }', "models:write"),
    ],
)
async def test_without_its_scope_a_field_is_refused_and_nothing_is_asked(
    api: Gateway, operation: str, scope: str
) -> None:
    answer = await api.ask(operation, key="sk_none")
    [error] = answer["errors"]
    assert error["message"] == f"This needs the scope {scope}."
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert (api.events.paths(), api.journeys.paths(), api.personas.paths()) == ([], [], [])


async def test_personal_fields_need_a_scope_of_their_own(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [customer()]}
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [page([event()])]}
    query = """{ customer(identifier: {type: "user_id", value: "u1"}) { firstSeenAt lastContact { name %s } %s } }"""
    assert await api.data(query % ("", ""), key="sk_bare") == {
        "customer": {"firstSeenAt": "2026-03-01T10:00:00Z", "lastContact": {"name": "Product Viewed"}}
    }
    for field in ("identifiers { value }", "traits", "traitHistory { value }"):
        assert await api.errors(query % ("", field), key="sk_bare") == [(f"customer.{field.split()[0]}", "FORBIDDEN")]
    for field in ("properties", "context", "identifiers { value }"):
        place = f"customer.lastContact.{field.split()[0]}"
        assert await api.errors(query % (field, ""), key="sk_bare") == [(place, "FORBIDDEN")]


async def test_a_key_that_may_only_record_cannot_read_the_customer_back(api: Gateway) -> None:
    api.events.answers["POST /internal/authenticate"] = authenticate({"sk_feed": principal("events:write")})
    api.events.answers["POST /internal/events"] = lambda _: {
        "accepted": 1,
        "rejected": 0,
        "results": [],
        "position": "p1",
    }
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": False}
    mutation = """mutation { identify(identifiers: [{type: "user_id", value: "a"}], wait: true) {
        position customer { firstSeenAt } } }"""
    answer = await api.ask(mutation, key="sk_feed")
    assert answer["data"] == {"identify": {"position": "p1", "customer": None}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert "/internal/customers/find" not in api.events.paths()


async def test_the_model_of_an_instance_needs_models_read(api: Gateway) -> None:
    api.events.answers["POST /internal/instances/query"] = lambda _: page([instance()])
    answer = await api.ask("{ instances { edges { node { journey { key } phase { key } } } } }", key="sk_bare")
    node = {"journey": None, "phase": {"key": "orientation"}}
    assert answer["data"] == {"instances": {"edges": [{"node": node}]}}
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "FORBIDDEN"}]
    assert api.journeys.calls == []


async def test_a_key_never_reaches_the_log(api: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    await api.data(PROJECTION)
    await api.post(PROJECTION, key="sk_secret_unknown")
    assert "sk_all" not in caplog.text
    assert "sk_secret_unknown" not in caplog.text


async def test_graphiql_needs_no_key_and_is_there_in_development_only() -> None:
    async with gateway("development") as development:
        page_of_browser = await development.http.get("/graphql", headers={"Accept": "text/html"})
        assert page_of_browser.status_code == 200
        assert page_of_browser.headers["content-type"] == "text/html; charset=utf-8"
        assert "graphiql" in page_of_browser.text
        assert development.events.calls == []
    async with gateway("production") as production:
        refused = await production.http.get("/graphql", headers={"Accept": "text/html"})
        assert refused.status_code == 404
        assert msgspec.json.decode(refused.content)["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
