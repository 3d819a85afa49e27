"""How the projector hears that the log has grown: at once, and at the latest after a short while."""

from __future__ import annotations

import asyncio
import contextlib


class Wakeup:
    """Rung from any thread; waited for by one task."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Safe to call from any thread, also before anybody waits."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed in between: nobody waits any more
                loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, at_most: float) -> None:
        """Returns when rung since the last wait, or after `at_most` seconds."""
        if self._loop is None:  # whoever rang before now was not heard
            self._loop = asyncio.get_running_loop()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._rung.wait()
        self._rung.clear()
