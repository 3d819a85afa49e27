"""Calls of browsers, one event each, beside the same events in batches of a hundred: what not gathering costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, figure, interleaved, own_cpu_seconds
from tests.benchmarks.workload import Call, batches, sessions
from tests.support.platform import Platform, four_processes, one_process

TITLE = "Single calls of browsers from 64 connections to the running platform"
_SHOP = "https://www.shop.example"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_BRANDS = [{"brand": "Chromium", "version": "156"}, {"brand": "Not=A?Brand", "version": "24"}]
_CONTEXT = {
    "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
    "locale": "nl-NL",
    "timezone": "Europe/Amsterdam",
    "userAgent": _AGENT,
    "userAgentData": {"brands": _BRANDS, "mobile": False, "platform": "Linux"},
}


class _Round(NamedTuple):
    events_a_second: float
    microseconds: float
    """CPU of the process that takes events in, an event."""
    median: float
    """Milliseconds from asking to being told 200."""
    slowest_hundredth: float


class _Side(NamedTuple):
    platform: Platform
    pid: int
    """Of the process that takes events in; on SQLite it is the whole platform, and projects meanwhile."""


class _Way(NamedTuple):
    encode: Callable[[Platform, list[Call]], list[bytes]]
    connections: int
    customers: int


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("single")
    ways = {"single": _Way(_browser_calls, 64, 300), "batches": _Way(_batches, 16, 3_000)}
    with ExitStack() as stack:
        for name in ("four", "one"):
            (bench.folder / name).mkdir()
        four = stack.enter_context(four_processes(bench.folder / "four", url))
        one = stack.enter_context(one_process(bench.folder / "one"))
        sides = {
            "PostgreSQL": _Side(four, four.processes["events"].pid),
            "SQLite": _Side(one, one.processes["up"].pid),
        }
        for side in sides.values():
            await _send(side, ways["single"], sessions(20, seed=-1))  # warm
        measures = {
            f"{way}, {name}": partial(_measure, side, ways[way]) for name, side in sides.items() for way in ways
        }
        rounds = await interleaved(bench, measures)
    return [one for name in sides for one in _figures(name, rounds[f"single, {name}"], rounds[f"batches, {name}"])]


def _figures(name: str, single: list[_Round], gathered: list[_Round]) -> list[Figure]:
    pairs = list(zip(single, gathered, strict=True))
    return [
        figure(f"events/s, {name}", "1/s", (one.events_a_second for one in single)),
        figure(f"CPU an event, {name}", "µs", (one.microseconds for one in single)),
        figure(f"p50, {name}", "ms", (one.median for one in single)),
        figure(f"p99, {name}", "ms", (one.slowest_hundredth for one in single)),
        figure(f"events/s, batches of 100, {name}", "1/s", (one.events_a_second for one in gathered)),
        figure(f"CPU an event, batches of 100, {name}", "µs", (one.microseconds for one in gathered)),
        figure(
            f"events/s, single against batches, {name}",
            "x",
            (one.events_a_second / many.events_a_second for one, many in pairs),
        ),
        figure(
            f"CPU, single against batches, {name}", "x", (one.microseconds / many.microseconds for one, many in pairs)
        ),
    ]


async def _measure(side: _Side, way: _Way, number: int) -> _Round:
    """With customers of its own; ends when everything is projected, so that the next one has the machine."""
    result = await _send(side, way, sessions(way.customers, seed=number * 10_000 + way.customers))
    side.platform.settle()
    return result


async def _send(side: _Side, way: _Way, calls: list[Call]) -> _Round:
    requests = way.encode(side.platform, calls)
    before = own_cpu_seconds(side.pid)
    sent = await send_all(side.platform.intake_url, requests, way.connections)
    used = own_cpu_seconds(side.pid) - before
    waits = quantiles(sent.waits, n=100)
    return _Round(len(calls) / sent.seconds, used / len(calls) * 1e6, waits[49] * 1e3, waits[98] * 1e3)


def _batches(platform: Platform, calls: list[Call]) -> list[bytes]:
    return encode_requests(platform.intake_url, "/v1/batch", platform.credentials["writeKey"], batches(calls))


def _browser_calls(platform: Platform, calls: list[Call]) -> list[bytes]:
    """As `@segment/analytics-next` has Chromium send them, but that the key is in the body alone."""
    key = platform.credentials["writeKey"]
    head = (
        f"POST /v1/t HTTP/1.1\r\nHost: {urlsplit(platform.intake_url).netloc}\r\nConnection: keep-alive\r\n"
        f"User-Agent: {_AGENT}\r\nContent-Type: text/plain\r\nAccept: */*\r\nOrigin: {_SHOP}\r\n"
        f"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nReferer: {_SHOP}/\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\nContent-Length: "
    ).encode()
    bodies = (_browser_call(call, key) for call in calls)
    return [b"".join((head, str(len(body)).encode(), b"\r\n\r\n", body)) for body in bodies]


def _browser_call(call: Call, key: str) -> bytes:
    known = json.loads(call.body)
    path = known["properties"]["path"]
    page = {"path": path, "referrer": "", "search": "", "title": "Chairs", "url": _SHOP + path}
    sent_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    more = {"writeKey": key, "sentAt": sent_at, "_metadata": {"bundled": ["Segment.io"], "unbundled": []}}
    return json.dumps(known | more | {"context": _CONTEXT | {"page": page}}, separators=(",", ":")).encode()
