"""The internal routes about workspaces, keys and sources."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import system_clock, to_rfc3339
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, EVERY_WORKSPACE, workspace_of
from services.events.control import api, sources_api
from services.events.control.credentials import Credentials
from services.events.control.domain import SCOPES, digest_of, key_id
from services.events.control.handlers import Sources, bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.control.tokens import CustomerTokens

SIGNING_KEY = "a signing key that is long enough for HMAC"
TOKENS = ServiceTokens(SIGNING_KEY)


def token(workspace: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, workspace)}"}


@pytest.fixture
async def keys(database: Database, tmp_path: Path) -> Credentials:
    made = (await bootstrap(database, tmp_path / "credentials.json", system_clock)).credentials
    assert made is not None
    return made


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(redirect_slashes=False)
    answer_problems(app)
    store = ControlStore(database)
    keys = KeyRing(store, system_clock)
    customer_tokens = CustomerTokens(SIGNING_KEY, keys, system_clock)
    app.include_router(api.router(TOKENS, keys, customer_tokens, store, workspace_of(TOKENS)))
    app.include_router(sources_api.router(store, Sources(database, system_clock), workspace_of(TOKENS)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as opened:
        yield opened


async def test_whose_key_it_is(client: httpx.AsyncClient, keys: Credentials) -> None:
    async def answer(credential: str) -> object:
        body = {"credential": credential}
        return (await client.post("/internal/authenticate", json=body, headers=token(EVERY_WORKSPACE))).json()

    assert await answer(keys.write_key) == {
        "workspace": "default",
        "source": "website",
        "kind": "WRITE",
        "scopes": ["events:write"],
        "key": key_id(digest_of(keys.write_key)),
    }
    assert await answer(keys.admin_key) == {
        "workspace": "default",
        "source": "api",
        "kind": "SECRET",
        "scopes": sorted(SCOPES),
        "key": key_id(digest_of(keys.admin_key)),
    }


async def test_an_unknown_key(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/internal/authenticate", json={"credential": "sk_unknown"}, headers=token(EVERY_WORKSPACE)
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


async def test_only_services_may_ask(client: httpx.AsyncClient, keys: Credentials) -> None:
    asked = {"credential": keys.admin_key}
    with_key = {"Authorization": f"Bearer {keys.admin_key}"}
    for headers, status in ((None, 401), (with_key, 401), (token("default"), 403)):
        assert (await client.post("/internal/authenticate", json=asked, headers=headers)).status_code == status
    for headers, status in ((None, 401), (with_key, 401), (token(EVERY_WORKSPACE), 403)):
        assert (await client.get("/internal/sources", headers=headers)).status_code == status


@pytest.mark.usefixtures("keys")
async def test_sources(client: httpx.AsyncClient) -> None:
    found = (await client.get("/internal/sources", headers=token("default"))).json()["sources"]
    shown = [[key.pop("prefix")[:3] for key in source["keys"]] for source in found]
    assert shown == [["sk_"], ["wk_"]]
    common = {"defaultChannel": None, "origins": [], "paused": False}
    for source, secret in zip(found, (True, False), strict=True):
        [key] = source.pop("keys")
        assert (key.keys(), key["secret"], key["expiresAt"]) == (
            {"id", "secret", "createdAt", "expiresAt"},
            secret,
            None,
        )
    assert found == [
        {"key": "api", "name": "API", "kind": "api", "trust": "VERIFIED", **common},
        {"key": "website", "name": "Website", "kind": "website", "trust": "CLAIMED", **common},
    ]
    assert (await client.get("/internal/sources", headers=token("other"))).json() == {"sources": []}


async def test_a_customer_token_is_minted_and_known_again(client: httpx.AsyncClient, keys: Credentials) -> None:
    body = {
        "source": "api",
        "key": key_id(digest_of(keys.admin_key)),
        "scopes": ["pii:read", "customers:read"],
        "identifier": {"type": "user_id", "value": "ada"},
        "lifetime": "PT1H",
    }
    minted = (await client.post("/internal/customer-tokens", json=body, headers=token("default"))).json()
    asked = {"credential": minted["token"]}
    principal = (await client.post("/internal/authenticate", json=asked, headers=token(EVERY_WORKSPACE))).json()
    assert to_rfc3339(principal.pop("expiresAt")) == minted["expiresAt"]
    assert principal == {
        "workspace": "default",
        "source": "api",
        "kind": "CUSTOMER",
        "scopes": ["pii:read"],
        "customer": {"type": "user_id", "value": "ada"},
    }
    refused = await client.post("/internal/customer-tokens", json=body | {"lifetime": "P2D"}, headers=token("default"))
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, ["lifetime"])
    broken = {"credential": minted["token"][:-2]}
    answer = await client.post("/internal/authenticate", json=broken, headers=token(EVERY_WORKSPACE))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


async def put(client: httpx.AsyncClient, keys: Credentials, body: bytes) -> httpx.Response:
    headers = token(keys.workspace) | {"Content-Type": "application/json"}
    return await client.put("/internal/workspace/settings", content=body, headers=headers)


async def test_a_workspace_begins_without_settings_and_keeps_those_that_are_saved(
    client: httpx.AsyncClient, keys: Credentials
) -> None:
    own = token(keys.workspace)
    assert (await client.get("/internal/workspace", headers=own)).json() == {
        "key": "default",
        "name": "Default",
        "settings": {},
    }
    settings = rb'{"theme":{"b":1.0,"a":null},"big":123456789012345678901234567890,"name":"caf\u00e9"}'
    saved = await put(client, keys, b'{"settings":' + settings + b"}")
    assert saved.status_code == 200
    told = settings.replace(rb"\u00e9", "é".encode())
    assert saved.content == b'{"key":"default","name":"Default","settings":' + told + b"}"
    assert (await client.get("/internal/workspace", headers=own)).content == saved.content
    replaced = await client.put("/internal/workspace/settings", json={"settings": {"x": []}}, headers=own)
    assert replaced.json()["settings"] == {"x": []}


@pytest.mark.parametrize(
    ("settings", "code", "path"),
    [
        ('{"a":"\\u0000"}', "BAD_VALUE", ["settings", "a"]),
        ('{"a":["\\ud800"]}', "BAD_VALUE", ["settings", "a", "0"]),
        ('{"a":NaN}', "BAD_VALUE", ["settings", "a"]),
        ('{"a":1e999}', "BAD_VALUE", ["settings", "a"]),
        ('{"a":' * 64 + "1" + "}" * 64, "BAD_VALUE", ["settings", *["a"] * 63]),
        (json.dumps({"a": "é" * 16_381}, ensure_ascii=False), "TOO_LARGE", ["settings"]),
        ("[]", "INVALID_VALUE", ["settings"]),
        ("null", "INVALID_VALUE", ["settings"]),
    ],
    ids=["nul", "surrogate", "nan", "infinite", "deep", "large", "list", "null"],
)
async def test_settings_that_cannot_be_kept_change_nothing(
    client: httpx.AsyncClient, keys: Credentials, settings: str, code: str, path: list[str]
) -> None:
    own = token(keys.workspace)
    await client.put("/internal/workspace/settings", json={"settings": {"kept": True}}, headers=own)
    refused = await put(client, keys, f'{{"settings":{settings}}}'.encode())
    assert refused.status_code == 422
    assert [(flaw["code"], flaw["path"]) for flaw in refused.json()["errors"]] == [(code, path)]
    assert (await client.get("/internal/workspace", headers=own)).json()["settings"] == {"kept": True}


async def test_settings_of_32_kib_are_kept(client: httpx.AsyncClient, keys: Credentials) -> None:
    settings = {"a": "é" * 16_380}
    saved = await client.put("/internal/workspace/settings", json={"settings": settings}, headers=token(keys.workspace))
    assert saved.json()["settings"] == settings


async def test_a_workspace_that_is_not_there_has_no_settings(client: httpx.AsyncClient, keys: Credentials) -> None:
    for answer in (
        await client.get("/internal/workspace", headers=token("other")),
        await client.put("/internal/workspace/settings", json={"settings": {}}, headers=token("other")),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_WORKSPACE")
