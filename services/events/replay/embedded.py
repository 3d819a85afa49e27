"""Replaying on SQLite: into a file beside the state, which takes its place by being renamed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from infra.chassis.clock import Clock
from infra.chassis.data_folder import DataFolder, FolderTaken, FolderUnusable
from infra.chassis.migrations import upgrade
from services.events.intake.position import START
from services.events.intake.store import LogStore
from services.events.replay.crew import Sites
from services.events.replay.keeping import keep_published, keep_unmade_instances
from services.events.replay.level import Leveller, places
from services.events.replay.rebuild import Rebuild
from services.events.replay.watching import Stage, Watch
from services.events.settings import Settings
from services.events.stores import STATE_MIGRATIONS, Stores
from services.events.timeline.domain import Microseconds


async def replay_embedded(settings: Settings, clock: Clock, watch: Watch) -> int:
    """How many entries of the log were replayed. Raises FolderTaken while `klantreis up` runs on the data folder."""
    stores = Stores(settings)
    if stores.log.url == stores.state.url:
        raise FolderUnusable(
            f"{stores.log.url.database} holds the log and its projections in one file, which cannot be replaced."
            " Leave KLANTREIS_EVENTS_DATABASE_URL out, or set it to postgresql://..."
        )
    folder = DataFolder(settings.data)
    try:
        folder.acquire()
    except FolderTaken as error:
        raise FolderTaken(
            f"klantreis runs on {settings.data}. Stop it first: on SQLite its state is replaced as a whole file."
        ) from error
    try:
        return await _replay(stores, clock, watch)
    finally:
        folder.release()


async def _replay(stores: Stores, clock: Clock, watch: Watch) -> int:
    state = Path(str(stores.state.url.database))
    made, aside = state.with_suffix(".replay.db"), state.with_suffix(".replay-aside.db")
    try:
        _discard(made, aside)
        async with stores.opened():
            now = clock()
            watch(Stage.LEVELLING, 0, 0)
            await _publish_what_is_left(stores, now)
            slots = await _build(stores, made, aside, now, watch)
        watch(Stage.SWITCHING, 0, 0)
        await asyncio.to_thread(_put_in_place, made, state)
    finally:
        _discard(made, aside)
    return slots


async def _publish_what_is_left(stores: Stores, now: Microseconds) -> None:
    """A replay publishes nothing: what it would be the first to find is projected before, in the state in use."""
    if not await places(stores.state):
        return  # nobody has projected yet, so nothing was published that could be gone on with
    log = LogStore(stores.log)
    ends = {name: (await log.logged_slots(name, START))[2] or START for name in await log.workspaces()}
    leveller = Leveller(stores.log, stores.state)
    await leveller.hold()
    try:
        await leveller.reach(ends, now, lambda: False)
    finally:
        await leveller.let_go()


async def _build(stores: Stores, made: Path, aside: Path, now: Microseconds, watch: Watch) -> int:
    sites = Sites(_url(stores, Path(str(stores.log.url.database))), _url(stores, made), _url(stores, aside), None)
    async with sites.opened() as (_log, state, _aside):
        await upgrade(state, STATE_MIGRATIONS)
    return await Rebuild(sites, watch).run(now)


def _put_in_place(made: Path, state: Path) -> None:
    """Either the old file is there or the new one, whatever happens."""
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("ATTACH DATABASE ? AS replaced", (str(state),))
        for statement in (keep_unmade_instances("replaced"), *keep_published("replaced")):
            connection.execute(statement)
        connection.commit()
    _leave_alone(state)
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(state)
    folder = os.open(state.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _leave_alone(state: Path) -> None:
    """Nobody has the old file open, and all of it is in that one file: a write-ahead log that is left beside a new file
    would be taken for its own."""
    with closing(sqlite3.connect(state, timeout=1)) as connection:
        try:
            [mode] = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise _in_use(state) from error
    if mode != "delete":
        raise _in_use(state)


def _in_use(state: Path) -> FolderUnusable:
    return FolderUnusable(
        f"Something else reads {state}, perhaps `klantreis doctor`. Wait until it ends and try again."
    )


def _discard(*paths: Path) -> None:
    for path in paths:
        for suffix in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _url(stores: Stores, path: Path) -> str:
    return stores.state.url.set(database=str(path)).render_as_string()
