"""The live board, and the lines that stand for it where there is no terminal. Pure: it makes what rich prints."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from infra.demo.maps import CHECKOUT
from infra.demo.scene import Belief, JourneyView, Scene

_WIDE, _HIGH = 120, 32
"""From so many columns and lines on there is room for everything."""
_LEAST_ROWS, _MOST_ROWS = 2, 6
_OTHER_LINES = 28
"""What a board has besides its two lists that can be shortened."""


class Board:
    """A scene, as large as the terminal allows."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        rows = max(_LEAST_ROWS, min(_MOST_ROWS, (options.size.height - _OTHER_LINES) // 2))
        scene = self._scene
        if options.max_width >= _WIDE:
            grid = Table.grid(expand=True)
            for _ in scene.journeys:
                grid.add_column(ratio=1)
            grid.add_row(*(_journey(view, rows) for view in scene.journeys.values()))
            changes = [_changes(scene)] if options.size.height >= _HIGH else []
            yield Group(_header(scene), grid, *changes)
        else:  # where there is room for one only, it is the one that changes most
            others = [
                f"{escape(view.name)}: {_statuses(view)}" for key, view in scene.journeys.items() if key != CHECKOUT
            ]
            yield Group(_header(scene), _journey(scene.journeys[CHECKOUT], _LEAST_ROWS), *others)


def _header(scene: Scene) -> RenderableType:
    refused = f", [red]{scene.refused} refused[/red]" if scene.refused else ""
    trouble = f"  [red]{escape(scene.trouble)}[/red]" if scene.trouble else ""
    return Panel(
        f"[bold]Simulated shop[/bold]  {scene.clock}  (time passes {scene.speed:g} times as fast)"
        f"  {scene.sent} events sent{refused}{trouble}  [dim]Ctrl+C ends it[/dim]",
        border_style="cyan",
    )


def _journey(view: JourneyView, rows: int) -> RenderableType:
    parts: list[RenderableType] = [_statuses(view), _phases(view)]
    flows = Table.grid(padding=(0, 1))
    for origin, to, count in view.flows[:rows]:
        flows.add_row(Text(str(count), style="cyan", justify="right"), f"{escape(origin)} → {escape(to)}")
    losses = Table.grid(padding=(0, 1))
    for drop in view.drop_offs[:rows]:
        where = f"{escape(drop.phase)}, {drop.device or 'no device'}"
        losses.add_row(Text(str(drop.count), style="red", justify="right"), f"{_words(drop.reason)} [dim]{where}[/dim]")
    parts += [Text("flows", style="bold"), flows, Text("drop-offs", style="bold"), losses]
    parts += [_belief(belief) for belief in view.beliefs]
    return Panel(Group(*parts), title=escape(view.name), title_align="left")


def _statuses(view: JourneyView) -> Text:
    return Text(_counts(view, "  "), style="dim")


def _counts(view: JourneyView, between: str) -> str:
    return between.join(f"{count} {_words(status)}" for status, count in view.statuses.items()) or "nobody yet"


def _phases(view: JourneyView) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    for ratio in (None, 1, None, None):
        table.add_column(ratio=ratio, no_wrap=True)
    for phase in view.phases:
        bar = ProgressBar(total=max(1, view.instances), completed=phase.reached, complete_style="green")
        lost = Text(f"-{phase.dropped}" if phase.dropped else "", style="red")
        table.add_row(escape(phase.name), bar, Text(str(phase.reached), justify="right"), lost)
    return table


def _belief(belief: Belief) -> Text:
    if belief.seen is None:
        return Text(f"“{belief.statement}” Nobody has left yet.", style="dim")
    return Text.assemble(
        (f"“{belief.statement}” ", "italic"),
        f"Claimed {belief.claimed:.0%}, ",
        (f"seen {belief.seen:.0%}", "bold yellow"),
        f" of {belief.n}.",
    )


def _changes(scene: Scene) -> RenderableType:
    lines = [Text(change, no_wrap=True, overflow="ellipsis") for change in scene.changes]
    return Panel(Group(*lines) if lines else Text("Waiting for the first change ...", style="dim"), title="now")


def lines_of(scene: Scene) -> list[str]:
    """How it goes, where there is no board."""
    headline = f"{scene.clock}: {scene.sent} events sent, {scene.refused} refused. {scene.trouble}".rstrip()
    return [headline, *(f"  {summary}" for summary in summaries_of(scene))]


def summaries_of(scene: Scene) -> list[str]:
    """Each journey in one line."""
    found = []
    for view in scene.journeys.values():
        worst = view.drop_offs[:1]
        most = "".join(f"; most leave for {_words(drop.reason)} in {drop.phase} ({drop.count})" for drop in worst)
        found.append(f"{view.name}: {_counts(view, ', ')}{most}")
    return found


def beliefs_of(scene: Scene) -> list[str]:
    """What the maps claim, beside what is seen."""
    return [_belief(belief).plain for view in scene.journeys.values() for belief in view.beliefs]


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
