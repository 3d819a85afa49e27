"""`klantreis replay`: every projection made again from the log, with how far it is."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from infra.local.settings import existing_events_settings
from services.events.replay import Stage, replay


class _Rate(TextColumn):
    """Entries a second, lately."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")


class _Bars:
    """One bar for each stage, in the order in which they begin."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[Stage, TaskID] = {}

    def watch(self, stage: Stage, done: int, of: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage.value, total=of or None)
        self._bars.update(self._tasks[stage], completed=done, total=of or None)


def run_replay(say: Console) -> bool:
    """Whether it came to its end; Ctrl+C is the other way. Raises what services.events.replay does."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=say) as bars:
            slots = asyncio.run(replay(existing_events_settings(), _Bars(bars).watch))
    except KeyboardInterrupt:
        say.print("Interrupted: nothing has changed. The next replay starts from the beginning of the log.")
        return False
    say.print(f"{slots:,} entries of the log were replayed; every projection is new.")
    return True
