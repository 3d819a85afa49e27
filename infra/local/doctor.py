"""`klantreis doctor`: whether what is stored is what the log means, said in ids and kinds alone."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from infra.chassis.data_folder import FolderUnusable
from infra.local.settings import existing_events_settings
from services.events.doctor import Examined, Options, Part, examine
from services.events.stores import Stores

_MOST_SAID = 20
_FIRST = date(1970, 1, 1)


def run_doctor(say: Console, options: Options) -> bool:
    """Whether everything is well. Raises FolderUnusable where there is nothing to look at."""
    stores = Stores(existing_events_settings())
    for database in (stores.log, stores.state):
        if database.is_sqlite and not Path(str(database.url.database)).exists():
            raise FolderUnusable(f"There is no {database.url.database}. Set KLANTREIS_DATA to the data folder.")
    examined = asyncio.run(_examine(say, stores, options))
    _say(say, examined, options)
    return examined.is_well


async def _examine(say: Console, stores: Stores, options: Options) -> Examined:
    """Nothing is migrated or written: on SQLite the platform may be running on these files."""
    tasks: dict[Part, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=say) as bars:

        def watch(part: Part, done: int, of: int) -> None:
            if part not in tasks:
                tasks[part] = bars.add_task(part.value, total=of or None)
            bars.update(tasks[part], completed=done, total=of or None)

        try:
            return await examine(stores.log, stores.state, options, watch)
        finally:
            await stores.log.close()
            await stores.state.close()


def _say(say: Console, examined: Examined, options: Options) -> None:
    lines = [f"customer {customer}: {', '.join(kinds)}" for customer, kinds in sorted(examined.differences.items())]
    lines += [
        f"counters of {one.journey}, version {one.version}, {one.span} from {_FIRST + timedelta(one.day)},"
        f" {'by ' + one.dimension if one.dimension else 'all'}"
        for one in examined.wrong_counters
    ]
    lines += [f"source {one.source} of {one.workspace}: {', '.join(one.kinds)}" for one in examined.wrong_sources]
    for line in lines[:_MOST_SAID]:
        say.print(line)
    if len(lines) > _MOST_SAID:
        say.print(f"and {len(lines) - _MOST_SAID} more")
    compared = examined.customers - examined.waiting - examined.stuck
    say.print(f"{compared:,} customers were folded anew (seed {options.seed}), all counters added up,")
    say.print("and what sources sent was counted in the log.")
    if examined.waiting:
        say.print(f"{examined.waiting} are about to be folded and were left out.")
    if examined.stuck:
        say.print(f"{examined.stuck} cannot be folded and were left out; `klantreis progress` and the log say more.")
    if lines:
        say.print("Something differs from what the log means. `klantreis replay` makes everything again.")
    else:
        say.print("Everything is as the log says.")
