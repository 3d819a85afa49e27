"""Shared work ends with those who share it, but not in the middle of what is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from gateway.streams.news import Workshop


async def _passed_on(value: Awaitable[int]) -> int:
    return await value


async def _fields(done: list[int]) -> list[int]:
    """As answers are worked out: each field hands what it awaits to the one above."""

    async def field(number: int) -> int:
        await asyncio.sleep(0)
        return number

    found = await asyncio.gather(*(_passed_on(_passed_on(field(number))) for number in range(3)))
    done += found
    return found


async def test_work_that_waits_for_nobody_comes_to_its_end() -> None:
    """Cancelled between two of its steps, it would leave coroutines that nobody awaits, which Python complains of."""
    for steps in range(8):
        workshop, done = Workshop(), list[int]()
        workshop.begin(_fields(done))
        for _ in range(steps):
            await asyncio.sleep(0)
        await workshop.close()
        assert done == [0, 1, 2]


async def test_work_that_waits_for_a_service_that_does_not_answer_is_cancelled() -> None:
    workshop, asked = Workshop(closing_seconds=0.01), asyncio.Event()

    async def asking() -> None:
        asked.set()
        await asyncio.Event().wait()

    task = workshop.begin(asking())
    await asked.wait()
    await workshop.close()
    assert task.cancelled()
