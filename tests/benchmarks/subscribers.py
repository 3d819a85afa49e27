"""A thousand subscribers over WebSocket: what a message costs, and what one of them costs the others by not reading.

Beside them one more is sent a flood of large messages, which it reads or does not.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.benchmarks.measuring import Bench, Figure, at_most, cpu_seconds, figure, interleaved
from tests.support.platform import Platform, one_process
from tests.support.stories import shop_journey, unique

TITLE = "1,000 subscribers of one process on SQLite, 5 changes a second"
_SUBSCRIBERS = 1_000
_CHANGES = 50
_CHANGES_A_SECOND = 5
_LARGE_EVENTS = 420
_LARGE = "x" * 28_000
_TARGET_RATIO = 1.5
_SECONDS = 60

_CHANGED = "subscription { instanceChanged { position at instance { status } } }"
_RECORDED = 'subscription { eventRecorded(identifier: {type: "user_id", value: "%s"}, after: "%s") { properties } }'


class _Round(NamedTuple):
    p50: float
    """Milliseconds from the request that records the event to the message."""
    p99: float
    cpu: float
    """Seconds, of the whole platform."""


async def measure(bench: Bench) -> list[Figure]:
    with one_process(bench.folder) as platform:
        platform.publish(shop_journey("shop"))
        sides = {
            "nobody": lambda _number: _measure(platform, 0, slow=False),
            "all read": lambda _number: _measure(platform, _SUBSCRIBERS, slow=False),
            "one does not": lambda _number: _measure(platform, _SUBSCRIBERS, slow=True),
        }
        rounds = await interleaved(bench, sides)
        assert '"level": "error"' not in platform.processes["up"].log.read_text()
    nobody = median(one.cpu for one in rounds["nobody"])
    costs = [(one.cpu - nobody) / (_CHANGES * _SUBSCRIBERS) * 1e6 for one in rounds["all read"]]
    ratios = [slow.p99 / fast.p99 for slow, fast in zip(rounds["one does not"], rounds["all read"], strict=True)]
    return [
        figure("CPU a message", "µs", costs),
        figure("p50, all read", "ms", (one.p50 for one in rounds["all read"])),
        figure("p99, all read", "ms", (one.p99 for one in rounds["all read"])),
        figure("p99 of the others, one does not read", "ms", (one.p99 for one in rounds["one does not"])),
        figure("of p99 when all read", "x", ratios, at_most(_TARGET_RATIO)),
    ]


async def _measure(platform: Platform, subscribers: int, *, slow: bool) -> _Round:
    flooded = unique("flooded")
    position = platform.graphql("{ projection { position } }")["projection"]["position"]
    query = _RECORDED % (flooded, position)
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(_subscribed(platform, _CHANGED)) for _ in range(subscribers)]
        other = await stack.enter_async_context(_subscribed(platform, query, 4_096 if slow else None))
        arrivals = [asyncio.create_task(_arrivals(connection)) for connection in connections]
        reading = None if slow else asyncio.create_task(_read(other))
        began = cpu_seconds(platform.processes["up"].pid)
        flood = asyncio.create_task(_flood(platform, flooded))
        sent = await _record(platform)
        await flood
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.gather(*arrivals)
            if reading is not None:
                await reading
        cpu = cpu_seconds(platform.processes["up"].pid) - began
    if not found:
        return _Round(0, 0, cpu)
    waits = [(at - since) * 1_000 for some in found for at, since in zip(some, sent, strict=True)]
    cuts = quantiles(waits, n=100)
    return _Round(cuts[49], cuts[98], cpu)


async def _read(connection: ClientConnection) -> None:
    for _ in range(_LARGE_EVENTS):
        await connection.recv()


@asynccontextmanager
async def _subscribed(
    platform: Platform, query: str, receive_buffer: int | None = None
) -> AsyncIterator[ClientConnection]:
    url = platform.graphql_url.replace("http:", "ws:")
    options: dict[str, Any] = {}
    if receive_buffer is not None:
        options = {"sock": _small(url, receive_buffer), "max_queue": 1, "ping_interval": None}
    protocol = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocol, compression=None, close_timeout=1, **options) as connection:
        authorization = {"Authorization": f"Bearer {platform.credentials['adminKey']}"}
        await connection.send(_text({"type": "connection_init", "payload": authorization}))
        await connection.recv()
        await connection.send(_text({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        await connection.send(_text({"type": "ping"}))
        await connection.recv()
        yield connection


def _small(url: str, receive_buffer: int) -> socket.socket:
    parts = httpx.URL(url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect((parts.host, parts.port))
    return client


async def _arrivals(connection: ClientConnection) -> list[float]:
    """When each change came; the messages are not looked into."""
    moments = []
    for _ in range(_CHANGES):
        await connection.recv()
        moments.append(time.perf_counter())
    return moments


async def _record(platform: Platform) -> list[float]:
    """When each event was sent that starts a run."""
    sent = []
    start = time.perf_counter()
    async with httpx.AsyncClient(auth=(platform.credentials["writeKey"], "")) as client:
        for number in range(_CHANGES):
            await asyncio.sleep(max(start + number / _CHANGES_A_SECOND - time.perf_counter(), 0))
            sent.append(time.perf_counter())
            body = {"userId": unique("user"), "event": "Product Viewed"}
            await client.post(f"{platform.intake_url}/v1/track", json=body)
    return sent


async def _flood(platform: Platform, user: str) -> None:
    """More for one subscriber than its socket and its queue hold."""
    event = {"type": "track", "userId": user, "event": "Nothing", "properties": {"text": _LARGE}}
    async with httpx.AsyncClient(auth=(platform.credentials["writeKey"], ""), timeout=_SECONDS) as client:
        for _ in range(_LARGE_EVENTS // 70):
            await client.post(f"{platform.intake_url}/v1/batch", json={"batch": [event] * 70})
            await asyncio.sleep(0.5)


def _text(message: Any) -> str:
    return msgspec.json.encode(message).decode()
