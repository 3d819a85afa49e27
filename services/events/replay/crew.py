"""Folding in processes of their own: it takes most of the time of a replay, and one process uses one core."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from infra.chassis.database import Database
from infra.chassis.memory import settle
from services.events.intake.store import LogStore
from services.events.replay.aside import Aside
from services.events.replay.folding import Folding
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


class _Shelf(NamedTuple):
    workspace: str
    now: Microseconds
    number: int


class CrewFailed(Exception):
    """A process of the crew could not fold, or ended; the message names the class of the error."""


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

    async def fold(self, workspace: str, shelves: int, now: Microseconds, tell: Callable[[int], None]) -> None:
        """Folds all shelves; `tell` hears how many events there were on each, as they are done. Raises CrewFailed."""
        waiting = (_Shelf(workspace, now, number) for number in range(shelves))
        async with asyncio.TaskGroup() as tasks:
            for pipe in self._pipes:
                tasks.create_task(self._keep_busy(pipe, waiting, tell))

    async def _keep_busy(self, pipe: Connection, waiting: Iterator[_Shelf], tell: Callable[[int], None]) -> None:
        for shelf in waiting:
            pipe.send(shelf)
            try:
                answer: int | str = await asyncio.to_thread(pipe.recv)
            except EOFError:
                answer = "it ended"
            if isinstance(answer, str):
                raise CrewFailed(f"A process that folds customers failed: {answer}.")
            tell(answer)


def _serve(pipe: Connection, sites: Sites) -> None:
    """One process of the crew, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asks
    settle()
    with contextlib.suppress(EOFError, BrokenPipeError):
        asyncio.run(_fold_what_comes(pipe, sites))


async def _fold_what_comes(pipe: Connection, sites: Sites) -> None:
    async with sites.opened() as (log, state, aside):
        foldings: dict[str, Folding] = {}
        while True:
            shelf: _Shelf = await asyncio.to_thread(pipe.recv)
            try:
                if shelf.workspace not in foldings:
                    prepared = await Folding.prepared(LogStore(log), state, shelf.workspace, shelf.now)
                    foldings[shelf.workspace] = prepared
                pipe.send(await foldings[shelf.workspace].fold(Aside(aside), shelf.number))
            except Exception as error:  # its message may quote what a customer sent
                pipe.send(type(error).__name__)
