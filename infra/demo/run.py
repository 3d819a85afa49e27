"""`klantreis demo`: opens the simulated shop on a running platform and shows what becomes of it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.chassis.clock import system_clock
from infra.chassis.errors import Conflict, Unavailable
from infra.demo.board import Board, beliefs_of, lines_of, summaries_of
from infra.demo.calendar import Simulation
from infra.demo.following import follow, lag_of, read_journeys
from infra.demo.hosting import hosted
from infra.demo.looking import sights
from infra.demo.opening import Opened, note_opened, open_shop, read_opened, real_sources
from infra.demo.platform import Platform
from infra.demo.scene import Scene
from infra.demo.sending import Present, Sent, load_history
from infra.local.addresses import address, is_this_machine

_LOOK_SECONDS = 0.2
_LINE_SECONDS = 5.0
_FRAMES_A_SECOND = 4
_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Wanted:
    """What was asked on the command line."""

    url: str
    key: str | None
    folder: Path
    """The data folder; a platform that the demo starts itself lives in `demo` within it."""
    seed: int
    speed: float
    days: int
    customers: int
    seconds: float | None
    """How long to go on behind history; None: until told to stop."""
    here: bool
    """Among what real sources have sent, too."""


async def run_demo(wanted: Wanted, say: Console) -> None:
    """Until it is over, or until SIGINT or SIGTERM, which end it in peace. Raises Problem and KeyMissing."""
    task = asyncio.create_task(_run(wanted, say))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if task.cancelled():
        say.print("The simulated shop is closed. Its history stays; the same command opens it again.")
    else:
        task.result()


async def _run(wanted: Wanted, say: Console) -> None:
    async with AsyncExitStack() as stack:
        wanted = await _with_platform(wanted, say, stack)
        platform = Platform(wanted.url, address(wanted.url, wanted.key, wanted.folder).key)
        stack.push_async_callback(platform.close)
        await _play(wanted, platform, say)


async def _with_platform(wanted: Wanted, say: Console, stack: AsyncExitStack) -> Wanted:
    """The same if a platform runs at the address; else one is started there, whose folder and key are meant then."""
    probe = Platform(wanted.url, "")
    stack.push_async_callback(probe.close)
    if await probe.is_ready():
        return wanted
    if not is_this_machine(wanted.url):
        raise Unavailable(f"Nothing answers at {wanted.url}. Start the platform there with `klantreis up`.")
    folder = wanted.folder / "demo"
    told = f"Nothing runs at {wanted.url}: starting a platform there, which keeps its data in {folder}."
    say.print(told, markup=False)
    told = f"The platform has ended with the demo. To look around: KLANTREIS_DATA={folder} klantreis up"
    stack.callback(say.print, told, markup=False)
    await stack.enter_async_context(hosted(wanted.url, folder, asyncio.sleep))
    return replace(wanted, folder=folder, key=None)


async def _play(wanted: Wanted, platform: Platform, say: Console) -> None:
    if not wanted.here and (real := await real_sources(platform)):
        raise Conflict(
            f"The platform at {wanted.url} has events of {', '.join(real)}, and simulated ones would stay among them"
            " for ever. Say --here if that is all right, or name a free --url: a platform is started there."
        )
    keys = await open_shop(platform)
    now = system_clock()
    earlier = await read_opened(platform, wanted.seed)
    opened = earlier or Opened(now, wanted.days, wanted.customers, is_loaded=False)
    history = Simulation(wanted.seed, opened.days, opened.customers)
    if opened.is_loaded:
        say.print(f"History was loaded before, for seed {wanted.seed}; new customers come from now on.")
        coming = Simulation(wanted.seed, 0, wanted.customers, f"-{(now - opened.began) // 1_000_000:x}")
    else:
        await note_opened(platform, wanted.seed, opened)
        await _load(platform, history, opened.began, say)
        await note_opened(platform, wanted.seed, opened._replace(is_loaded=True))
        coming = history
    _say_sights(wanted, history, say)
    scene = Scene(await read_journeys(platform), wanted.speed)
    if wanted.seconds == 0:
        for line in [*summaries_of(scene), *beliefs_of(scene)]:
            say.print(escape(line))
        return
    present = Present(platform, keys, system_clock(), wanted.speed, system_clock, asyncio.sleep)
    await _watch(wanted, platform, scene, present, coming, say)
    for line in beliefs_of(scene):
        say.print(escape(line))


async def _load(platform: Platform, simulation: Simulation, began: int, say: Console) -> None:
    """Until all of history can be read."""
    calls = list(simulation.history)
    start = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    refused = 0
    with Progress(*columns, console=say, disable=not say.is_terminal) as bars:
        sending = bars.add_task(f"Loading {simulation.days} days of history", total=len(calls))

        def told(sent: Sent) -> None:
            nonlocal refused
            refused += sent.refused
            bars.update(sending, advance=sent.calls)

        await load_history(platform, calls, began, told)
        logged, lag = await lag_of(platform)
        folding = bars.add_task("Working out what it means", total=logged)
        while lag:
            await asyncio.sleep(_LOOK_SECONDS)
            logged, lag = await lag_of(platform)
            bars.update(folding, total=logged, completed=logged - lag)
        bars.update(folding, total=logged, completed=logged)
    say.print(
        f"{len(calls)} events of {len(simulation.lives)} simulated customers in {simulation.days} days:"
        f" loaded and worked out in {time.monotonic() - start:.1f} s, {refused} refused."
    )


def _say_sights(wanted: Wanted, simulation: Simulation, say: Console) -> None:
    say.print(f"\n[bold]What to look at[/bold] (an explorer is at {wanted.url}/graphql; it wants the same header)\n")
    if wanted.key is None:
        credentials = wanted.folder / "credentials.json"
        read = f"import json; print(json.load(open('{credentials}'))['adminKey'])"
        say.print(f'KEY=$(python3 -c "{read}")\n', markup=False)
    else:
        say.print('KEY="$KLANTREIS_KEY"\n', markup=False)
    for sight in sights(simulation):
        say.print(f"# {sight.what}", markup=False, style="dim")
        say.print(f"{sight.command(wanted.url)}\n", markup=False)


async def _watch(
    wanted: Wanted, platform: Platform, scene: Scene, present: Present, coming: Simulation, say: Console
) -> None:
    """Customers come and the scene follows, for as long as was asked."""

    def told(sent: Sent) -> None:
        scene.sent += sent.calls
        scene.refused += sent.refused

    show = _show_board if say.is_terminal else _show_lines
    with suppress(TimeoutError):
        async with asyncio.timeout(wanted.seconds):
            await _together(present.play(coming.live(), told), _follow(platform, scene), show(scene, present, say))


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Until one of them fails, with what it raises."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _follow(platform: Platform, scene: Scene) -> None:
    """Again and again: what was missed is in what the journeys say when they are read anew."""
    while True:
        try:
            scene.journeys = await read_journeys(platform)
            scene.trouble = ""
            await follow(platform, scene)
        except Unavailable as problem:
            scene.trouble = problem.message
            await asyncio.sleep(_AGAIN_SECONDS)


async def _show_board(scene: Scene, present: Present, say: Console) -> None:
    with Live(Board(scene), console=say, refresh_per_second=_FRAMES_A_SECOND, transient=False):
        while True:
            scene.elapsed = present.elapsed
            await asyncio.sleep(1 / _FRAMES_A_SECOND)


async def _show_lines(scene: Scene, present: Present, say: Console) -> None:
    while True:
        await asyncio.sleep(_LINE_SECONDS)
        scene.elapsed = present.elapsed
        for line in lines_of(scene):
            say.print(escape(line))
