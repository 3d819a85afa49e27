"""`klantreis progress`: how far reality is processed, as the state store tells; nothing needs to run for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from infra.local.settings import existing_events_settings
from services.events.intake.store import LogStore
from services.events.models.builds import Rebuild
from services.events.projector.progress import Progress as Projection
from services.events.projector.progress import Status
from services.events.stores import Stores

_LOOK_SECONDS = 0.5


async def show_progress(say: Console, *, watch: bool) -> None:
    """Says how far each workspace is; with `watch` until all have caught up."""
    async with _opened() as (log, projection):
        workspaces = await log.workspaces()
        if not watch:
            for workspace in workspaces:
                _say(say, workspace, await projection.status(workspace))
            return
        with _bars(say) as bars:
            while await _watch(bars, projection, workspaces):  # noqa: ASYNC110  - others make the progress
                await asyncio.sleep(_LOOK_SECONDS)
        say.print("Everything is visible.")


async def _watch(bars: Progress, projection: Projection, workspaces: list[str]) -> bool:
    """Shows how far everything is; whether anything is left."""
    shown = {}
    for workspace in workspaces:
        status = await projection.status(workspace)
        if status.lag:
            shown[f"{workspace}: the log"] = (status.logged - status.lag) / status.logged
        shown |= {f"{workspace}: {_named(rebuild)}": rebuild.share for rebuild in status.rebuilds}
    known = {task.description: task.id for task in bars.tasks}
    for description in known.keys() | shown.keys():
        task = known[description] if description in known else bars.add_task(description, total=1.0)
        bars.update(task, completed=shown.get(description, 1.0))
    return bool(shown)


def _say(say: Console, workspace: str, status: Status) -> None:
    say.print(f"{workspace}: {status.logged - status.lag} of {status.logged} entries of the log are visible.")
    for rebuild in status.rebuilds:
        seen = "is filled" if rebuild.build.live else "is made beside the live one"
        say.print(f"  {_named(rebuild)} {seen}: {rebuild.share:.0%}, {rebuild.folded} customers.")
    if status.stuck:
        say.print(f"  {status.stuck} customers have events that cannot be folded; the projector's log says why.")


def _named(rebuild: Rebuild) -> str:
    return f"{rebuild.build.journey}, version {rebuild.build.versions[-1]}"


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[LogStore, Projection]]:
    stores = Stores(existing_events_settings())
    async with stores.opened():
        log = LogStore(stores.log)
        yield log, Projection(log, stores.state)


def _bars(say: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=say)
