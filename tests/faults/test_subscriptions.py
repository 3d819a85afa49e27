"""Processes come and go while somebody listens: nothing is missed or told twice, and no process waits for listeners."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateway.streams.clients import sse_answers
from tests.support.metrics import until_told
from tests.support.platform import Platform, Process, four_processes, free_port, one_process
from tests.support.stories import shop_journey, unique

# One after the other: each is a load on the whole machine.
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

_JOURNEY = shop_journey("shop")
_CHANGES = "subscription($after: Position) { instanceChanged(after: $after) { instanceId previousStatus } }"
_SECONDS = 60.0
_STOP_SECONDS = 5.0
"""Half of what a process has to finish what is under way."""


class Listener:
    """Hears of one run after the other, as the shop has customers."""

    def __init__(self, platform: Platform, graphql_url: str | None = None) -> None:
        self._platform = platform
        self._url = f"{graphql_url or platform.graphql_url}/stream"
        self.positions: list[str] = []

    async def hear(self, count: int) -> None:
        """The next so many changes, over a connection of its own that goes on where the last one ended."""
        variables = {"after": self.positions[-1]} if self.positions else {}
        key = self._platform.credentials["adminKey"]
        async with (
            asyncio.timeout(_SECONDS),
            aclosing(sse_answers(self._url, _CHANGES, key=key, variables=variables)) as answers,
        ):
            async for answer in answers:
                self.positions.append(answer["extensions"]["position"])
                count -= 1
                if not count:
                    return
        raise AssertionError("the stream ended")


async def shopping(platform: Platform, customers: int) -> None:
    for _ in range(customers):
        user = unique("user")
        for name in ("Product Viewed", "Order Completed"):
            await asyncio.to_thread(platform.send, "/v1/track", {"userId": user, "event": name})


@pytest.mark.timeout(120)
async def test_the_events_service_comes_back_and_subscribers_notice_nothing(
    tmp_path: Path, postgresql_url: str
) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.publish(_JOURNEY)
        await shopping(platform, 1)
        platform.settle()
        listener = Listener(platform)
        hearing = asyncio.create_task(listener.hear(12))
        await asyncio.to_thread(until_told, platform, 1)
        for _ in range(3):
            await shopping(platform, 1)
            platform.processes["events"].kill()
            platform.processes["events"].start()
            await asyncio.to_thread(platform.processes["events"].wait_ready)
            await shopping(platform, 1)
        await hearing
        assert listener.positions == sorted(set(listener.positions))


@pytest.mark.timeout(120)
async def test_a_position_of_one_gateway_is_one_of_every_gateway(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform, another_gateway(platform) as other_url:
        platform.publish(_JOURNEY)
        here, there = Listener(platform), Listener(platform, other_url)
        hearing = asyncio.create_task(here.hear(2))
        await asyncio.to_thread(until_told, platform, 1)
        await shopping(platform, 1)
        await hearing
        there.positions = here.positions[:1]
        await shopping(platform, 4)
        await asyncio.gather(here.hear(8), there.hear(9))
        assert here.positions == there.positions


@contextmanager
def another_gateway(platform: Platform) -> Iterator[str]:
    known = platform.processes["gateway"]
    other: Process = replace(known, port=free_port(), log=known.log.with_name("another.log"), _running=None)
    other.start()
    try:
        other.wait_ready()
        yield f"http://127.0.0.1:{other.port}/graphql"
    finally:
        other.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", ["one process", "four processes"])
async def test_no_process_waits_for_its_listeners_to_go(tmp_path: Path, postgresql_url: str, shape: str) -> None:
    opened = one_process(tmp_path) if shape == "one process" else four_processes(tmp_path, postgresql_url)
    with opened as platform:
        platform.publish(_JOURNEY)
        await shopping(platform, 1)
        platform.settle()
        url, key = f"{platform.graphql_url}/stream", platform.credentials["adminKey"]
        listeners = [sse_answers(url, _CHANGES, key=key) for _ in range(10)]
        waiting = [asyncio.create_task(anext(listener)) for listener in listeners]
        await asyncio.to_thread(until_told, platform, 10)
        seconds = {}
        for name in ("events", "gateway", "up"):
            if name in platform.processes:
                began = time.monotonic()
                assert await asyncio.to_thread(platform.processes[name].stop) == 0
                seconds[name] = time.monotonic() - began
        answers = await asyncio.gather(*waiting)
        for listener in listeners:
            await listener.aclose()
        assert {answer["errors"][0]["extensions"]["code"] for answer in answers} == {"GOING_AWAY"}
        assert max(seconds.values()) < _STOP_SECONDS, seconds
