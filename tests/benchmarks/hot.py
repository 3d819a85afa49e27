"""What a customer with half of the events, or a long history to fold, costs the others: acknowledged to visible."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any, NamedTuple

import asyncpg

from services.events.intake.position import Place
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved
from tests.benchmarks.visible import send_steadily, take_visible
from tests.benchmarks.workload import BATCH, journey, sessions
from tests.support.platform import Platform, four_processes, until

TITLE = "The others beside a hot customer, 150 events/s each, PostgreSQL"
_EVENTS_A_SECOND = 150
_SECONDS = 8
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 60
_LONG_HISTORY = 20_000
_TARGET_RATIO = 2.0

# How far all but one customer are visible: the cursor, or just before the first mark of another one that is left.
_FRONTIER = """
SELECT cursors.xid, cursors.seq, first.xid, first.seq FROM cursors LEFT JOIN LATERAL (
    SELECT xid, seq FROM dirty WHERE customer <> ALL ($1::bytea[]) ORDER BY xid, seq LIMIT 1
) AS first ON true WHERE workspace = 'default'
"""
_HOT = "SELECT DISTINCT customer FROM identifiers WHERE value LIKE 'hot%'"

Call = dict[str, Any]


class _Round(NamedTuple):
    """Milliseconds that events of others waited."""

    median: float
    slowest_twentieth: float


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("hot")
    with four_processes(bench.folder, url) as platform:
        platform.publish(journey("chairs"))
        others = _Others(platform, await asyncpg.connect(url))
        await send_all(platform.intake_url, others.requests([_hot_call("hot", 0)]), 1)
        await others.measure()  # warm
        rounds = await interleaved(
            bench,
            {
                "alone": lambda _number: others.measure(),
                "beside a hot customer": lambda _number: others.measure(_hot_customer),
                "beside a merge": others.measure_beside_merge,
            },
        )
        await others.close()
    alone = rounds.pop("alone")
    figures = [
        figure("p50, alone", "ms", (one.median for one in alone)),
        figure("p95, alone", "ms", (one.slowest_twentieth for one in alone)),
    ]
    for name, results in rounds.items():
        medians = (one.median / base.median for one, base in zip(results, alone, strict=True))
        slowest = (one.slowest_twentieth / base.slowest_twentieth for one, base in zip(results, alone, strict=True))
        figures += [
            figure(f"p50, {name}, against alone", "x", medians, at_most(_TARGET_RATIO)),
            figure(f"p95, {name}, against alone", "x", slowest, at_most(_TARGET_RATIO)),
        ]
    return figures


def _hot_call(user: str, number: int, before: timedelta = timedelta()) -> Call:
    """In order, as they happen, or so long ago."""
    moment = datetime.now(UTC) - before + timedelta(milliseconds=number)
    names = ("Product Viewed", "Cart Viewed", "Order Completed", "Page Viewed")
    return {
        "type": "track",
        "userId": user,
        "event": names[number % len(names)],
        "messageId": f"{user}.{moment.timestamp()}.{number}",
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "properties": {"path": "/shop/chairs", "shipping": 0},
    }


def _hot_customer() -> list[Call]:
    return [_hot_call("hot", number) for number in range(_EVENTS_A_SECOND * _SECONDS)]


class _Others:
    """Many customers with ten events each."""

    def __init__(self, platform: Platform, observer: asyncpg.Connection) -> None:
        self._platform = platform
        self._observer = observer

    async def close(self) -> None:
        await self._observer.close()

    def requests(self, calls: Sequence[Call]) -> list[bytes]:
        return self._encoded("/v1/track", [json.dumps(call).encode() for call in calls])

    async def measure(self, beside: Callable[[], list[Call]] | None = None) -> _Round:
        count = _EVENTS_A_SECOND * _SECONDS
        calls = sessions(count // 5, seed=time.monotonic_ns())[:count]
        requests = self._encoded("/v1/track", [call.body for call in calls])
        acknowledged: list[tuple[Place, float]] = []
        sending = [self._sending(requests, acknowledged)]
        if beside is not None:
            sending.append(self._sending(self.requests(beside()), []))
        hot = [row["customer"] for row in await self._observer.fetch(_HOT)]
        waits: list[float] = []
        async with asyncio.timeout(_PATIENCE_SECONDS + _SECONDS):
            while not (all(task.done() for task in sending) and not acknowledged):
                await asyncio.sleep(_LOOK_SECONDS)
                waits += take_visible(acknowledged, await self._observer.fetchrow(_FRONTIER, hot))
        await asyncio.gather(*sending)
        return _Round(*(quantiles(waits, n=20)[index] * 1_000 for index in (9, 18)))

    async def measure_beside_merge(self, _number: int) -> _Round:
        """Early in the round it turns out that a long history belongs to a customer who was there before."""
        user = f"hot {time.monotonic_ns()}"
        calls = [_hot_call(user, place, timedelta(days=1)) for place in range(_LONG_HISTORY)]
        bodies = [json.dumps({"batch": calls[start : start + BATCH]}).encode() for start in range(0, len(calls), BATCH)]
        await send_all(self._platform.intake_url, self._encoded("/v1/batch", bodies), 4)
        visitor = {"userId": None, "anonymousId": user, "messageId": f"{user} first"}
        earlier = _hot_call(user, 0, timedelta(days=2)) | visitor
        await send_all(self._platform.intake_url, self.requests([earlier]), 1)
        until(lambda: self._platform.graphql("{ projection { lag } }")["projection"]["lag"] == 0, 60, "all visible")
        link = _hot_call(user, _LONG_HISTORY, timedelta(days=1)) | {"anonymousId": user, "messageId": f"{user} link"}
        return await self.measure(lambda: [link])

    def _sending(self, requests: Sequence[bytes], acknowledged: list[tuple[Place, float]]) -> asyncio.Task[None]:
        return asyncio.create_task(send_steadily(self._platform.intake_url, requests, _EVENTS_A_SECOND, acknowledged))

    def _encoded(self, path: str, bodies: Sequence[bytes]) -> list[bytes]:
        return encode_requests(self._platform.intake_url, path, self._platform.credentials["writeKey"], bodies)
