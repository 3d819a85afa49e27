"""`klantreis import`: the rows of a file into a running platform, from where an earlier run of the command stopped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.chassis.clock import system_clock
from infra.local.addresses import Address
from infra.local.history.csv_rows import CsvRows, Dialect
from infra.local.history.failures import Failure
from infra.local.history.files import Source
from infra.local.history.journal import Done, Journal
from infra.local.history.json_rows import JsonRows
from infra.local.history.lines import Lines
from infra.local.history.plan import Item, Making, Plan
from infra.local.history.preview import Preview, preview
from infra.local.history.rows import Row, Rows, shown
from infra.local.history.sending import Platform, Rejection, Window, packed
from infra.local.history.xes_rows import XesRows

_LOOKED_AT = 1_000
_MOST_TOLD = 20
_LONGEST_EXAMPLE = 40
_LONGEST_NAME = 80
_MOST_COLUMNS = 10_000
"""That are looked for in the first rows, where no header names them."""
_MOST_LISTED = 200
_UNDER_WAY = 2  # the platform reads the one while it writes the other


@dataclass(frozen=True)
class Order:
    """What is to be imported, and how."""

    path: Path
    format: str
    """`csv`, `jsonl` or `xes`."""
    dialect: Dialect
    plan: Plan
    source: str | None
    """None: what the file names, else that of the key."""

    def rows(self, file: Source) -> Rows:
        """Raises FileUnusable."""
        if self.format == "csv":
            return CsvRows(file, self.dialect)
        return JsonRows(file) if self.format == "jsonl" else XesRows(file)

    def items(self, rows: Rows, *, behind: int = 0) -> Iterator[Item]:
        """Raises FileUnusable."""
        maker = Lines() if self.format == "jsonl" else Making(self.plan, rows.columns)
        return (maker.item(row) for row in rows if row.number > behind)


def check(order: Order, say: Console, *, whole: bool) -> Preview:
    """Says what would become of the file: of all of it, or as the first thousand rows have it.

    Raises FileUnusable, and BadMapping for columns that do not tell what, when and about whom.
    """
    examples: Mapping[str, str] = {}
    if order.format != "jsonl":
        with Source(order.path) as file:
            examples = _examples(islice(order.rows(file), _LOOKED_AT))
    with Source(order.path) as file:
        rows = order.rows(file)
        if order.format != "jsonl":
            columns = rows.columns or list(examples)
            order.plan.check(columns, are_all=rows.columns is not None)
            say.print(_columns(order.plan, columns, examples))
            if len(columns) > _MOST_LISTED:
                say.print(f"and {len(columns) - _MOST_LISTED:,} more columns")
        items = order.items(rows)
        found = preview(items if whole else islice(items, _LOOKED_AT), system_clock)
    _tell(found, say, whole=whole or found.rows < _LOOKED_AT)
    return found


async def send(order: Order, address: Address, folder: Path, say: Console) -> bool:
    """Imports the file; whether all of its rows were taken. `folder` remembers how far it has come.

    Raises FileUnusable and SendingFailed; the same command then goes on where it stopped.
    """
    journal = Journal(folder, order.path, f"{address.url}\0{address.key}\0{order}")
    done = journal.read()
    if done.rows:
        say.print(f"Going on behind row {done.rows:,}, where an earlier import of this file stopped.")
    rejections: list[Rejection] = []
    with Source(order.path) as file, _bars(say) as bars:
        task = bars.add_task(order.path.name, total=file.size, rows=done.rows)
        parcels = packed(order.items(order.rows(file), behind=done.rows), order.source)
        async with Platform(*address) as platform, aclosing(_sent(platform, parcels)) as answers:
            async for refused, last in answers:
                done = Done(last, done.rejected + len(refused))
                rejections += refused[: _MOST_TOLD - len(rejections)]
                journal.write(done)
                bars.update(task, completed=file.read, rows=last)
    journal.forget()
    _report(done, rejections, say)
    return done.rejected == 0


async def _sent(platform: Platform, parcels: Iterator[Window]) -> AsyncGenerator[tuple[list[Rejection], int], None]:
    """What is refused of the next rows, and the number of the last of them: all up to there is on disk.

    While some are on their way, the next ones are made in a thread. What is on its way arrives, whatever is wrong
    with the rest of the file.
    """
    under_way: deque[tuple[asyncio.Task[list[Rejection]], int]] = deque()
    failure: Failure | None = None
    try:
        while True:
            window = None
            if failure is None:
                try:
                    window = await asyncio.to_thread(next, parcels, None)
                except Failure as error:
                    failure = error
            if window is not None:
                under_way.append((asyncio.create_task(platform.send(window.parcels)), window.last))
            if not under_way:
                break
            if window is None or len(under_way) >= _UNDER_WAY:
                answer, last = under_way.popleft()
                yield await answer, last
        if failure is not None:
            raise failure
    finally:
        for answer, _last in under_way:
            answer.cancel()
        await asyncio.gather(*(answer for answer, _last in under_way), return_exceptions=True)


def _examples(rows: Iterable[Row]) -> dict[str, str]:
    """The first value of each column. Rows themselves are not kept: each may take a megabyte."""
    found: dict[str, str] = {}
    for row in rows:
        for column, value in row.values.items():
            if column not in found and len(found) < _MOST_COLUMNS:
                found[column] = shown(_text(value), _LONGEST_EXAMPLE)
    return found


def _text(value: Any) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)


def _columns(plan: Plan, columns: list[str], examples: Mapping[str, str]) -> Table:
    table = Table("column", "becomes", "such as", box=None, pad_edge=False)
    for column in columns[:_MOST_LISTED]:
        target = plan.target(column, columns)
        becomes = "left out" if target is None else shown(str(target), _LONGEST_NAME)
        table.add_row(*map(escape, (shown(column, _LONGEST_NAME), becomes, examples.get(column, ""))))
    for place, text in plan.constants.items():
        table.add_row("", escape(place), escape(text))
    return table


def _tell(found: Preview, say: Console, *, whole: bool) -> None:
    looked_at = "Rows" if whole else "First rows"
    period = f", from {found.first_at} to {found.last_at}" if found.first_at else ""
    say.print(f"{looked_at}: {found.rows:,}; events among them: {found.rows - found.rejected:,}{period}.")
    if found.rejected:
        say.print(f"Rows that would be rejected: {found.rejected:,}")
        _list(found.first_rejections, found.rejected, say)


def _report(done: Done, rejections: list[Rejection], say: Console) -> None:
    say.print(f"Events imported: {done.rows - done.rejected:,}; what was sent before counts once.")
    if done.rejected:
        say.print(f"Rows rejected: {done.rejected:,}; they are kept among the rejected events.")
        _list(rejections, done.rejected, say)


def _list(rejections: list[Rejection], all: int, say: Console) -> None:
    for one in rejections:
        say.print(f"  line {one.line:,}: {one.code}: {escape(one.message)}")
    if all > len(rejections):
        say.print(f"  and {all - len(rejections):,} more")


def _bars(say: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
        console=say,
    )
