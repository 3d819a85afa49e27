"""Sorting and folding in processes of their own: that is most of a replay, and one process uses one core."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from infra.chassis.database import Database
from infra.chassis.memory import settle
from services.events.intake.store import LogStore
from services.events.replay.aside import Aside
from services.events.replay.folding import Folding
from services.events.replay.sorting import Sorting
from services.events.timeline.domain import Microseconds


class Sites(NamedTuple):
    """The databases of a replay."""

    log: str
    """The URL, as the next two."""
    state: str
    aside: str
    schema: str | None
    """Of the latter two, on PostgreSQL."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[Database, Database, Database]]:
        databases = (
            Database(self.log),
            Database(self.state, draft=True, schema=self.schema),
            Database(self.aside, draft=True, schema=self.schema),
        )
        try:
            yield databases
        finally:
            for database in databases:
                await database.close()


class Task(NamedTuple):
    """What one process does at a time."""

    workspace: str
    shelves: int
    """How many there are."""
    now: Microseconds
    batch: int | None = None
    """Which one to sort;"""
    shelf: int | None = None
    """or which one to fold."""


class CrewFailed(Exception):
    """A process of the crew could not do its task, or ended; the message names the class of the error."""


class Crew:
    """As many processes as there are cores. Open with `async with`: they start while other things are done."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []

    async def __aenter__(self) -> Crew:
        context = multiprocessing.get_context("spawn")  # a fork would take over the loop and the connections
        for _ in os.sched_getaffinity(0):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._sites), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        for pipe in self._pipes:
            pipe.close()

    async def do(self, tasks: Iterable[Task], tell: Callable[[int], None]) -> None:
        """Does them, in any order; `tell` hears of each how many events it was about. Raises CrewFailed."""
        waiting = iter(tasks)
        await asyncio.gather(*(self._keep_busy(pipe, waiting, tell) for pipe in self._pipes))

    async def _keep_busy(self, pipe: Connection, waiting: Iterator[Task], tell: Callable[[int], None]) -> None:
        for task in waiting:
            pipe.send(task)
            try:
                answer: int | str = await asyncio.to_thread(pipe.recv)
            except EOFError:
                answer = "it ended"
            if isinstance(answer, str):
                raise CrewFailed(f"A process of the replay failed: {answer}.")
            tell(answer)


class Worker:
    """One process of the crew, or the only one."""

    def __init__(self, log: Database, state: Database, aside: Database) -> None:
        self._log = LogStore(log)
        self._state = state
        self._aside = Aside(aside)
        self._sortings: dict[str, Sorting] = {}
        self._foldings: dict[str, Folding] = {}

    async def do(self, task: Task) -> int:
        """How many events it was about."""
        workspace = task.workspace
        if task.batch is not None:
            if workspace not in self._sortings:
                sorting = Sorting(self._log, self._state, self._aside, workspace, task.shelves)
                self._sortings[workspace] = sorting
            return await self._sortings[workspace].sort(task.batch)
        if task.shelf is not None:
            if workspace not in self._foldings:
                self._foldings[workspace] = await Folding.prepared(self._log, self._state, workspace, task.now)
            return await self._foldings[workspace].fold(self._aside, task.shelf)
        return 0


def _serve(pipe: Connection, sites: Sites) -> None:
    """One process of the crew, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asks
    settle()
    with contextlib.suppress(EOFError, BrokenPipeError):
        asyncio.run(_do_what_comes(pipe, sites))


async def _do_what_comes(pipe: Connection, sites: Sites) -> None:
    async with sites.opened() as databases:
        worker = Worker(*databases)
        while True:
            task: Task = await asyncio.to_thread(pipe.recv)
            try:
                pipe.send(await worker.do(task))
            except Exception as error:  # its message may quote what a customer sent
                pipe.send(type(error).__name__)
