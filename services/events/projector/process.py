"""The projector as a process of its own, or as a thread of the all-in-one process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable

from infra.chassis.clock import Clock, system_clock
from infra.chassis.memory import settle
from services.events.projector.runner import Projector
from services.events.projector.wakeup import Wakeup
from services.events.settings import Settings
from services.events.stores import Stores

_JOIN_SECONDS = 10
_SWITCH_SECONDS = 0.0005
"""For how long a thread that folds keeps the loop from going on, each time that it has waited for the database. With
Python's 5 ms a step takes three times as long while a long history is folded beside it."""


async def project(
    settings: Settings,
    wakeup: Wakeup,
    on_progress: Callable[[], None] = lambda: None,
    clock: Clock = system_clock,
) -> None:
    """Projects until cancelled."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    stores = Stores(settings)
    async with stores.opened():
        await Projector(stores.log, stores.state, clock, wakeup, on_progress).run()


def run(settings: Settings) -> None:
    """Projects until SIGINT or SIGTERM."""

    async def until_signalled() -> None:
        task = asyncio.create_task(project(settings, Wakeup()))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    settle()
    asyncio.run(until_signalled())


class ProjectorThread:
    """Projects beside the apps of one process, on a loop of its own, so that a long fold holds up no request."""

    def __init__(self, settings: Settings, wakeup: Wakeup, on_progress: Callable[[], None]) -> None:
        """`on_progress` is called in that thread."""
        self._settings = settings
        self._wakeup = wakeup
        self._on_progress = on_progress
        self._thread = threading.Thread(target=self._run, name="projector")
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancels the steps under way, which commit nothing half-done, and waits until the thread has ended."""
        with contextlib.suppress(RuntimeError):  # the thread has ended by itself
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(_JOIN_SECONDS)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        self._task = self._loop.create_task(project(self._settings, self._wakeup, self._on_progress))
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
