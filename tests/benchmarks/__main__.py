"""`python -m tests.benchmarks [NAME...]`: measures, says what was found, appends it to results.jsonl."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    batches,
    contributions,
    exported,
    fold,
    footprint,
    history,
    hostile,
    hot,
    imported,
    insight,
    projected,
    projectors,
    queries,
    replayed,
    rules,
    single,
    singles,
    stages,
    subscribers,
    visible,
)
from tests.benchmarks.measuring import Bench, Figure, append_result, facts_of_this_run
from tests.support.databases import postgres_server

BENCHMARKS: dict[str, ModuleType] = {
    "batches": batches,
    "single": single,
    "singles": singles,
    "projected": projected,
    "projectors": projectors,
    "stages": stages,
    "fold": fold,
    "rules": rules,
    "history": history,
    "contributions": contributions,
    "insight": insight,
    "visible": visible,
    "subscribers": subscribers,
    "hot": hot,
    "replayed": replayed,
    "imported": imported,
    "exported": exported,
    "footprint": footprint,
    "hostile": hostile,
    "queries": queries,
}

_say = Console(highlight=False)


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which: {', '.join(BENCHMARKS)}; all unless told.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each side is measured; the median counts.")] = 5,
) -> None:
    """Measures the platform on this machine. Missing a target fails nothing; ratios within one run are what counts."""
    unknown = set(names or ()) - set(BENCHMARKS)
    if unknown:
        raise typer.BadParameter(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    facts = facts_of_this_run(rounds)
    with postgres_server(durable=True) as postgresql:
        for name in names or BENCHMARKS:
            benchmark = BENCHMARKS[name]
            measure: Callable[[Bench], Coroutine[None, None, list[Figure]]] = benchmark.measure
            with tempfile.TemporaryDirectory() as folder, _say.status(benchmark.TITLE) as status:
                say = lambda doing, title=benchmark.TITLE: status.update(f"{title}: {doing}")  # noqa: E731
                figures = asyncio.run(measure(Bench(rounds, Path(folder), postgresql, say)))
            _say.print(_table(benchmark.TITLE, figures))
            append_result(name, figures, facts)


def _table(title: str, figures: list[Figure]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("", "median", "lowest", "highest", "target", "met"):
        table.add_column(column, justify="left" if column == "" else "right")
    for one in figures:
        target = "" if one.target is None else f"{'≥' if one.target.at_least else '≤'} {one.target.value:g} {one.unit}"
        met = {None: "", True: "yes", False: "[bold]no[/bold]"}[one.met]
        table.add_row(
            one.name,
            f"{_spell(one.value)} {one.unit}",
            _spell(min(one.rounds)),
            _spell(max(one.rounds)),
            target,
            met,
        )
    return table


def _spell(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
