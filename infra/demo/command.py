"""The command `demo`, as it stands on a command line."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from infra.chassis.telemetry import configure_logging
from infra.local.history.commands import DEFAULT_URL, Key, Url

_say = Console(highlight=False, soft_wrap=True)


def demo(
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same customers.")] = 1,
    speed: Annotated[float, typer.Option(min=1, help="How much faster time passes; 1440: a day a minute.")] = 1_440,
    days: Annotated[int, typer.Option(min=0, help="Of history, loaded first.")] = 90,
    customers: Annotated[int, typer.Option(min=1, help="New ones on each simulated day.")] = 40,
    minutes: Annotated[float | None, typer.Option(min=0, help="Ends by itself; without it, Ctrl+C does.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Loads history, says what to look at, and ends.")] = False,
    here: Annotated[bool, typer.Option("--here", help="Opens it among what real sources have sent, too.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Opens a simulated shop on the platform at the address, or on one that is started for it; watch it live."""
    from infra.demo.run import Wanted, run_demo  # noqa: PLC0415
    from infra.local.settings import Settings  # noqa: PLC0415

    configure_logging("WARNING")
    seconds = 0.0 if once else None if minutes is None else minutes * 60
    asyncio.run(run_demo(Wanted(url, key, Settings().data, seed, speed, days, customers, seconds, here), _say))
