"""Work that is not left half-done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def finished(work: Awaitable[T], seconds: float) -> T:
    """What `work` gives. If this is cancelled, the work has so many seconds to come to its end first.

    A transaction that is cancelled in the middle may leave a connection that nobody closes any more. On SQLite it keeps
    the lock of whoever writes: what is to be written at the end then waits for as long as SQLite has patience.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=seconds)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
        raise
