"""Calls are made when they are due, in a time that passes faster than ours, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.chassis.errors import Unavailable
from infra.demo.sending import Present, Sent, load_history
from infra.demo.shop import Source
from infra.demo.telling import Call

BEGAN = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z"""
KEYS = {source: f"wk_{source}" for source in Source}


class Street:
    """A front door that remembers who came when, and a clock that stands still unless somebody waits."""

    def __init__(self, *, away: int = 0) -> None:
        self.now = BEGAN
        self.came: list[tuple[float, str, list[str]]] = []
        self._away = away

    def clock(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)

    async def load(self, source: str, calls: Sequence[Any]) -> int:
        return await self.record(source, calls)

    async def record(self, key: str, calls: Sequence[Any]) -> int:
        if self._away:
            self._away -= 1
            raise Unavailable("Away for a moment.", retry_after=3)
        at = (self.now - BEGAN) / 1_000_000
        self.came.append((at, key, [f"{call['messageId']} {call['timestamp'][11:]}" for call in calls]))
        return sum(call["messageId"] == "bad" for call in calls)

    def present(self, speed: float) -> Present:
        return Present(self, KEYS, BEGAN, speed, self.clock, self.sleep)


def call(at: int, id: str, source: Source = Source.WEBSITE) -> Call:
    return Call(at, source, {"messageId": id})


def no_one(_sent: Sent) -> None:
    pass


async def test_a_minute_passes_in_a_second() -> None:
    street = Street()
    await street.present(60).play(iter([call(0, "a"), call(60, "b"), call(150, "c")]), no_one)
    assert street.came == [
        (0.0, "wk_sim-website", ["a 00:00:00Z"]),
        (1.0, "wk_sim-website", ["b 00:00:01Z"]),
        (2.6, "wk_sim-website", ["c 00:00:02.500000Z"]),
    ]


async def test_each_source_sends_for_itself() -> None:
    street, told = Street(), []
    calls = [call(0, "a"), call(0, "b", Source.STORE), call(0, "bad")]
    await street.present(1).play(iter(calls), told.append)
    assert [(key, ids) for _, key, ids in street.came] == [
        ("wk_sim-store", ["b 00:00:00Z"]),
        ("wk_sim-website", ["a 00:00:00Z", "bad 00:00:00Z"]),
    ]
    assert told == [Sent(1, 0), Sent(2, 1)]


async def test_while_the_platform_is_away_calls_wait() -> None:
    street = Street(away=2)
    await street.present(1).play(iter([call(0, "a")]), no_one)
    assert street.came == [(6.0, "wk_sim-website", ["a 00:00:00Z"])]


async def test_history_lies_in_the_past() -> None:
    street = Street()
    await load_history(street, [call(-3_600, "a"), call(-60, "b")], BEGAN, no_one)
    assert street.came == [(0.0, "sim-website", ["a 23:00:00Z", "b 23:59:00Z"])]


async def test_history_comes_in_batches() -> None:
    street = Street()
    await load_history(street, [call(-1, str(number)) for number in range(5_001)], BEGAN, no_one)
    assert [len(ids) for _, _, ids in street.came] == [2_500, 2_500, 1]
