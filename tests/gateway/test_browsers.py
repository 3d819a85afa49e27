"""Pages of other origins: which may ask, what browsers ask first, and that no page can make a browser ask in secret."""

from __future__ import annotations

from typing import Any, Literal

import httpx
import pytest
from pydantic import ValidationError

from gateway.settings import Settings
from tests.gateway.harness import Gateway, gateway
from tests.gateway.test_access import PROJECTION, STATUS

SHOP = "https://www.shop.example"
BEARER = {"Authorization": "Bearer sk_all"}
NEEDED = "authorization,content-type,klantreis-after,apollographql-client-name"


async def preflight(api: Gateway, origin: str, headers: str = NEEDED, method: str = "POST") -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return await api.http.options("/graphql", headers=asked)


@pytest.mark.parametrize(
    ("environment", "allowed", "origin", "admitted"),
    [
        ("production", SHOP, SHOP, True),
        ("production", f"https://app.example, {SHOP}/", SHOP, True),
        ("production", SHOP, "https://shop.example", False),
        ("production", SHOP, "http://www.shop.example", False),
        ("production", SHOP, f"{SHOP}.evil.example", False),
        ("production", SHOP, "null", False),
        ("production", "", "http://localhost:3000", False),
        ("production", "*", "https://anybody.example", True),
        ("development", "", "http://localhost:3000", True),
        ("development", "", "https://127.0.0.1", True),
        ("development", "", "http://[::1]:8080", True),
        ("development", SHOP, SHOP, True),
        ("development", "", SHOP, False),
        ("development", "", "http://localhost.evil.example", False),
        ("development", "", "http://127.0.0.1.evil.example:80", False),
    ],
)
async def test_a_page_of_another_origin_may_ask_if_it_is_allowed(
    environment: Literal["development", "production"], allowed: str, origin: str, admitted: bool
) -> None:
    async with gateway(environment, allowed) as api:
        api.events.answers["GET /internal/projection"] = lambda _: STATUS
        first = await preflight(api, origin)
        answer = await api.post(PROJECTION, headers={"Origin": origin})
        refusal = await api.post(PROJECTION, key="sk_unknown", headers={"Origin": origin})
        shown = None if not admitted else "*" if allowed == "*" else origin
        assert [one.headers.get("access-control-allow-origin") for one in (first, answer, refusal)] == [shown] * 3
        assert (first.status_code, answer.status_code, refusal.status_code) == (200 if admitted else 400, 200, 401)
        assert "access-control-allow-credentials" not in {*first.headers, *answer.headers}


async def test_a_browser_asks_first_once_in_two_hours(api: Gateway) -> None:
    answer = await preflight(api, "http://localhost:3000")
    assert answer.headers["access-control-max-age"] == "7200"
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "Origin" in answer.headers["vary"]
    assert api.events.calls == []  # nothing needs to be asked to know


@pytest.mark.parametrize(("headers", "method"), [("x-evil", "POST"), (NEEDED, "DELETE")])
async def test_it_may_send_nothing_else(api: Gateway, headers: str, method: str) -> None:
    assert (await preflight(api, "http://localhost:3000", headers, method)).status_code == 400


async def test_a_page_may_read_the_position_of_what_it_wrote(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    answer = await api.post(PROJECTION, headers={"Origin": "http://localhost:3000"})
    assert answer.headers["access-control-expose-headers"] == "Klantreis-Position, Retry-After, X-Request-Id"


@pytest.mark.parametrize(
    "request_of_a_page",
    [
        {"method": "GET", "params": {"query": PROJECTION}},
        {"method": "GET", "params": {"query": PROJECTION, "key": "sk_all", "authorization": "Bearer sk_all"}},
        {"method": "GET", "params": {"query": PROJECTION}, "headers": {"Cookie": "authorization=Bearer sk_all"}},
        {"method": "POST", "json": {"query": PROJECTION}, "headers": {"Content-Type": "text/plain"}},
        {"method": "POST", "data": {"query": PROJECTION}},
        {"method": "POST", "files": {"operations": b'{"query": "{ projection { lag } }"}'}},
    ],
)
async def test_what_a_browser_sends_without_asking_is_never_executed(
    api: Gateway, request_of_a_page: dict[str, Any]
) -> None:
    """A key in `Authorization` makes it ask. Nothing that a browser adds by itself counts as one."""
    response = await api.http.request(url="/graphql", **request_of_a_page)
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHENTICATED")
    assert api.events.calls == []


async def test_a_page_of_the_same_origin_needs_nothing(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS
    response = await api.http.get("/graphql", params={"query": PROJECTION}, headers=BEARER)
    assert response.json() == {"data": {"projection": {"lag": 0}}}


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/path", f"{SHOP} https://b.example"])
def test_what_is_no_origin_is_told_before_anything_starts(origins: str) -> None:
    with pytest.raises(ValidationError, match="Invalid origin"):
        Settings(allowed_origins=origins)


INTROSPECTION = (
    "{ __schema { types { name } } }",
    '{ __type(name: "Customer") { name } }',
    "{ a: __schema { __typename } }",
)


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_in_production_nobody_is_told_of_the_schema(query: str) -> None:
    async with gateway("production") as api:
        for error in (await api.ask(query))["errors"]:
            assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
            assert "introspection has been disabled" in error["message"]
        assert await api.data("{ __typename }") == {"__typename": "Query"}  # clients ask for it everywhere


@pytest.mark.parametrize(
    ("environment", "hints"), [("production", ""), ("development", " Did you mean 'customer' or 'customers'?")]
)
async def test_in_production_nobody_is_helped_to_guess_it(
    environment: Literal["development", "production"], hints: str
) -> None:
    async with gateway(environment) as api:
        [error] = (await api.ask("{ custome { id } }"))["errors"]
        assert error["message"].startswith(f"Cannot query field 'custome' on type 'Query'.{hints}")
        assert ("Did you mean" in error["message"]) == bool(hints)
