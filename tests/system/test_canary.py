"""Nothing that callers send stands in a log: not what they say, not where and how, not even when everything fails."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from infra.chassis.database import Database
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.platform import Platform, four_processes, one_process
from tests.support.stories import shop_journey

MARK = "kanariegeel"
ASK = "query ($who: IdentifierInput!) { customer(identifier: $who) { id traits timeline { edges { node { name } } } } }"
FOLLOW = "subscription ($who: IdentifierInput!) { instanceChanged(identifier: $who) { position } }"


def bird(place: str) -> str:
    """A text that nobody would write by chance; the place tells where it escaped from."""
    return f"{MARK}-{place}"


@pytest.fixture(params=["one process on SQLite", "four processes on PostgreSQL"])
def platform(request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgresServer) -> Iterator[Platform]:
    if request.param == "one process on SQLite":
        with one_process(tmp_path, KLANTREIS_LOG_LEVEL="DEBUG") as running:
            yield running
        return
    with fresh_postgresql(postgresql) as url, four_processes(tmp_path, url, KLANTREIS_LOG_LEVEL="DEBUG") as running:
        yield running


def test_no_canary_leaves_its_cage(platform: Platform) -> None:
    platform.publish(shop_journey("shop") | {"name": bird("map")})
    fly(platform)
    platform.settle()
    asyncio.run(break_the_stores(platform))
    fly(platform)  # now with failures that nobody foresaw
    assert "OperationalError" in logs(platform) or "UndefinedColumnError" in logs(platform)
    assert [line for line in logs(platform).splitlines() if MARK in line] == []


def test_the_id_of_a_request_goes_with_it(tmp_path: Path, postgresql: PostgresServer) -> None:
    with fresh_postgresql(postgresql) as url, four_processes(tmp_path, url) as platform:
        asyncio.run(break_the_stores(platform))
        body = {"query": ASK, "variables": {"who": {"type": "user_id", "value": "anna"}}}
        headers = {
            "Authorization": f"Bearer {platform.credentials['adminKey']}",
            "X-Request-Id": "asked-at-the-gateway",
        }
        [error] = platform.client.post(platform.graphql_url, json=body, headers=headers).json()["errors"]
        assert error["extensions"] == {"code": "UPSTREAM_UNAVAILABLE", "requestId": "asked-at-the-gateway"}
        said = [json.loads(line) for line in platform.processes["events"].log.read_text().splitlines()[1:]]
        [line] = [line for line in said if line.get("requestId") == "asked-at-the-gateway"]
        assert (line["level"], line["route"]) == ("error", "/internal/customers/find")


def logs(platform: Platform) -> str:
    return "".join(process.log.read_text() for process in platform.processes.values())


async def break_the_stores(platform: Platform) -> None:
    """Statements that name these columns fail, with whatever they were given."""
    environment = next(iter(platform.processes.values())).environment
    server = environment.get("KLANTREIS_EVENTS_DATABASE_URL")
    for file, table, column in (
        ("state.db", "identifiers", "value"),
        ("state.db", "customers", "traits"),
        ("log.db", "workspaces", "settings"),
        ("journeys.db", "journeys_drafts", "document"),
    ):
        database = Database(server or f"sqlite:///{platform.data / file}")
        async with database.write() as connection:
            await connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN {column} TO lost"))
        await database.close()


def fly(platform: Platform) -> None:
    record(platform)
    with closing(httpx.Client(base_url=platform.intake_url, timeout=20)) as http:
        knock_at(http, platform.credentials["writeKey"])
    ask(platform)
    for url in {platform.intake_url, platform.graphql_url}:
        speak_nonsense(url)


def record(platform: Platform) -> None:
    call = {
        "messageId": bird("message-id"),
        "userId": bird("user-id"),
        "anonymousId": bird("anonymous-id"),
        "event": bird("event"),
        "properties": {bird("property"): bird("value"), "email": f"{MARK}@example.com"},
        "context": {"userAgent": bird("agent"), "ip": bird("ip"), bird("context"): 1},
        "traits": {"email": f"{MARK}@shop.example", bird("trait"): bird("trait-value")},
    }
    batch = [
        call | {"type": "track"},
        call | {"type": "identify", "messageId": bird("other-id")},
        call | {"type": "alias", "previousId": bird("previous-id"), "messageId": None},
        call | {"type": bird("kind")},
        call | {"type": "track", "timestamp": bird("timestamp")},
        call | {"type": "track", "properties": bird("no-object")},
    ]
    headers = {"User-Agent": bird("user-agent"), "X-Request-Id": f"{MARK}@request", "SentAt": bird("sent-at")}
    for key in (platform.credentials["writeKey"], platform.credentials["adminKey"], bird("key")):
        platform.send("/v1/batch", {"batch": batch, bird("member"): 1}, key=key, headers=headers)
        platform.send("/v1/track", call, key=key, headers=headers | {"Origin": f"https://{MARK}.example"})


def knock_at(http: httpx.Client, key: str) -> None:
    auth, stranger = (key, ""), {"Authorization": f"Bearer {MARK}"}
    broken = [
        b'{"userId": "' + MARK.encode(),
        gzip.compress(MARK.encode() * 9)[:-4],
        b'{"userId": "\xff' + MARK.encode() + b'", "event": NaN}',
        b"[" * 100 + MARK.encode(),
    ]
    for body in broken:
        http.post("/v1/track", content=body, auth=auth)
        http.post("/v1/track", content=body, auth=auth, headers={"Content-Encoding": "gzip"})
        http.post(f"/v1/{MARK}", content=body, headers={"Content-Encoding": MARK, "Authorization": f"Basic {MARK}"})
    for path in (f"/v1/projects/{MARK}/settings", f"/{MARK}", f"/beacon/v1/batch?writeKey={MARK}", f"/internal/{MARK}"):
        for method in ("GET", "POST", "OPTIONS", "PATCH", MARK.upper()):
            http.request(method, path, headers=stranger | {"Access-Control-Request-Headers": MARK})
    http.post(f"/internal/customers/find?x={MARK}", json={"identifiers": [MARK]}, headers=stranger)


def ask(platform: Platform) -> None:
    known = {"who": {"type": "user_id", "value": bird("user-id")}}
    documents = [
        (ASK, known),
        (ASK.replace("customer(", f"{MARK}: customer("), known | {bird("variable"): 1}),
        (ASK, {"who": bird("no-identifier")}),
        (f"{{ {MARK} }}", {}),
        (f'{{ journey(key: "{MARK}") {{ key }} ', {}),
        (f'{{ customer(identifier: {{type: "email", value: "{MARK}@shop.example"}}) {{ id }} }}', {}),
        (f'mutation {{ saveSettings(settings: {{ {MARK}: "{MARK}" }}) {{ settings }} }}', {}),
        (f'mutation {{ recordEvents(events: [{{ name: "{MARK}", identifiers: [{{ type: "user_id", value: "{MARK}" }}]'
         ' }]) { accepted } }', {}),
    ]  # fmt: skip
    key = platform.credentials["adminKey"]
    with closing(httpx.Client(timeout=20, headers={"X-Request-Id": f"{MARK}@request", MARK: MARK})) as http:
        for document, variables in documents:
            body = {"query": document, "variables": variables, "operationName": None}
            for credential in (key, bird("key")):
                headers = {"Authorization": f"Bearer {credential}"}
                http.post(platform.graphql_url, json=body, headers=headers)
                http.post(f"{platform.graphql_url}/stream", json=body, headers=headers)
                http.get(platform.graphql_url, params={"query": document}, headers=headers)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        http.post(platform.graphql_url, content=b'{"query": "' + MARK.encode(), headers=headers)
        http.post(platform.graphql_url, json={"query": "{ x }"}, headers=headers | {"Klantreis-After": MARK})
        follow = {"query": FOLLOW, "variables": known}
        with http.stream("POST", f"{platform.graphql_url}/stream", json=follow, headers=headers) as answer:
            next(answer.iter_text())


def speak_nonsense(url: str) -> None:
    """Below HTTP as any client speaks it."""
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    for request in (
        f"GET /{MARK} HTTP/9.{MARK}\r\n\r\n",
        f"POST /v1/track HTTP/1.1\r\nHost: {MARK}\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n",
        f'POST /v1/track HTTP/1.1\r\nHost: {MARK}\r\nContent-Length: 999\r\n\r\n{{"{MARK}',
        f"GET /graphql HTTP/1.1\r\nHost: {MARK}\r\n{upgrade}Sec-WebSocket-Key: {MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\nHost: {MARK}\r\n{upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /graphql HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
        f"{upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x0b{MARK}",
    ):
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=5) as wire:
            wire.sendall(request.encode())
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(65_536):
                pass
