"""Whoever is cancelled may have begun what must not be left half-done."""

from __future__ import annotations

import asyncio

import pytest

from infra.chassis.tasks import finished


class Step:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.is_done = False

    async def run(self) -> int:
        self.begun.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        self.is_done = True
        return 7


async def test_what_is_not_cancelled_gives_what_it_gives() -> None:
    step, failing = Step(), Step(OSError("away"))
    for one in (step, failing):
        one.go_on.set()
    assert await finished(step.run(), 5) == 7
    with pytest.raises(OSError, match="away"):
        await finished(failing.run(), 5)


@pytest.mark.parametrize("error", [None, OSError("away")])
async def test_work_that_has_begun_comes_to_its_end(error: Exception | None) -> None:
    step = Step(error)
    task = asyncio.create_task(finished(step.run(), 5))
    await step.begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, step.go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert step.is_done is (error is None)


async def test_but_not_for_ever() -> None:
    step = Step()
    task = asyncio.create_task(finished(step.run(), 0.01))
    await step.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not step.is_done
