"""A replay during which something else happens to the databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from infra.chassis.database import Database
from services.events.replay import Stage, replay
from tests.support.reality import Reality
from tests.support.replaying import settings_of


async def replayed_while(reality: Reality, stage: Stage, happens: Callable[[Database], Awaitable[None]]) -> None:
    """What happens is given a way of its own to the database when the replay comes to a stage, which waits for it.

    On PostgreSQL, where the log and its projections share a database.
    """
    left = [happens]

    def watch(now_at: Stage, _done: int, _of: int) -> None:
        if now_at is stage and left:
            with ThreadPoolExecutor(1) as thread:  # the loop of this one stands still
                thread.submit(asyncio.run, _elsewhere(reality, left.pop())).result()

    await reality.projector.close()
    await replay(settings_of(reality), watch, lambda: reality.now)
    await reality.restart()


async def _elsewhere(reality: Reality, happens: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(reality.state.url.render_as_string(hide_password=False))
    try:
        await happens(database)
    finally:
        await database.close()
