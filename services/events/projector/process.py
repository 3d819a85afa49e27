"""The projector as a process of its own, or as a thread of the all-in-one process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from infra.chassis import serving
from infra.chassis.clock import Clock, system_clock
from infra.chassis.memory import settle
from infra.chassis.operations import OperatorRoutes
from services.events.projector.pulse import Pulse
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
    pulse: Pulse | None = None,
) -> None:
    """Projects until cancelled."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    stores = Stores(settings)
    async with stores.opened():
        await Projector(stores.log, stores.state, clock, wakeup, on_progress, pulse).run()


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


def serve(settings: Settings, host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Projects as `run` does, and tells its operators how it is; whether it could start, and projected until it was
    told to stop. Raises PortTaken."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    stores, pulse = Stores(settings), Pulse()
    operators = OperatorRoutes(settings)
    for part, store in stores.parts.items():
        operators.readiness.needs(part, store.probe)
    operators.readiness.needs("projector", pulse.probe)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with stores.opened():
            task = asyncio.create_task(Projector(stores.log, stores.state, system_clock, Wakeup(), pulse=pulse).run())
            task.add_done_callback(_end_with)
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return serving.run(Starlette(routes=operators.routes(), lifespan=lifespan), host, port, on_ready)


def _end_with(task: asyncio.Task[None]) -> None:
    """A process that does not project any more has nothing to serve for."""
    if not task.cancelled():
        signal.raise_signal(signal.SIGTERM)


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
        self._pulse = Pulse()
        self.probe = self._pulse.probe

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Lets the steps under way come to their end, and waits until the thread has ended."""
        with contextlib.suppress(RuntimeError):  # the thread has ended by itself
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        """The runner sees to it that nothing is left when the loop is closed: what was cancelled may have been in the
        middle of giving a connection back."""
        self._task = self._loop.create_task(project(self._settings, self._wakeup, self._on_progress, pulse=self._pulse))
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(_ended(self._task))

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def _ended(task: asyncio.Task[None]) -> None:
    await task
