"""The second stage: folds customers on, into instances, steps, traits and counters.

Customers are spread over partitions, each with one owner. A step takes the marks that have waited longest and the
customers with a deadline that has come, folds them on within one snapshot, and writes what differs from what is stored:
so a duplicate, a late event, a merge and a new version are all the same operation.

Three lanes take turns in writing. The first takes many customers a step. A customer with a long history to fold goes to
the slow lane and holds nobody up; customers who have not been folded under a new build are caught up in the background.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from services.events.insights import store as insights_store
from services.events.intake.store import LogStore
from services.events.live.store import writing
from services.events.models import builds
from services.events.models.queries import Models
from services.events.projector import dirty, stuck
from services.events.projector.bench import Bench, Folded
from services.events.projector.leases import FOLD, Leases
from services.events.projector.metrics import FOLDED
from services.events.projector.publishing import publish
from services.events.projector.work import Work
from services.events.tables import customers
from services.events.tables import stuck as stuck_table
from services.events.timeline.reader import EntryReader

_log = logging.getLogger(__name__)
_FEWEST_CUSTOMERS, _FIRST_CUSTOMERS, _MOST_CUSTOMERS = 32, 128, 1_024
_SHARE_OF_SILENCE = 8  # of a step, however many events wait
_LONG_SECONDS = 0.4
STEP_ERRORS = (Unavailable, DBAPIError, asyncpg.PostgresError)
"""What a step raises that the database refuses; COPY raises the last, of which SQLAlchemy knows nothing."""
_DATA_FAULTS = ("22", "23", "54")  # SQLSTATE classes: data exception, constraint, program limit
_ANOTHER_WAS_FASTER = "23505"  # the same new row


class Slow(NamedTuple):
    """Why a customer is in the slow lane."""

    build: int | None
    """The build that it has not been folded under; None: it is marked."""


class Lanes:
    """What the lanes of one process share: the stores, and turns in writing.

    Of two steps that write the same customers the database would refuse one.
    """

    def __init__(
        self, log: LogStore, state: Database, reader: EntryReader, models: Models, leases: Leases, clock: Clock
    ) -> None:
        self.log = log
        self.state = state
        self.reader = reader
        self.models = models
        self.leases = leases
        self.clock = clock
        self.turn = asyncio.Lock()
        self.slow: dict[tuple[str, bytes], Slow] = {}
        """The slow lane: customers of workspaces, whom the other lanes leave alone."""
        self.events = 0
        """How many events this process has folded."""

    def partitions(self) -> tuple[dict[str, int], list[int]]:
        """The leases of the partitions that this process owns, with their epochs, and the partitions."""
        epochs = {name: epoch for name, epoch in self.leases.held.items() if name.startswith(FOLD)}
        return epochs, partitions_of(epochs)

    async def bench(self, connection: AsyncConnection, workspace: str) -> Bench:
        bench = Bench(connection, workspace, await self.log.secret(workspace), self.models, self.reader)
        await bench.open()
        return bench

    async def smaller(self, most: int, workspace: str, chosen: Sequence[bytes], error: Exception) -> int:
        """How many customers to try after a step of `most` that failed when it had chosen these.

        A single one that cannot be written is set aside: one bad history must not hold up the others. Its marks are
        taken away; with the next one it is folded wholly.
        """
        if isinstance(error, Unavailable):  # perhaps the step took longer than the database has patience
            return max(most // 2, 1)
        cause = getattr(error, "orig", None) or error
        if not is_about_the_data(cause):
            return most
        if len(chosen) == 1:
            epochs, _partitions = self.partitions()
            async with self.state.write() as connection:
                failed = dict.fromkeys(chosen, type(cause).__name__)
                await stuck.list_customers(connection, workspace, failed, (), self.clock())
                await dirty.clear(connection, workspace, chosen)
                await self.leases.check(connection, epochs)
        return max(most // 8, 1)

    async def write(self, connection: AsyncConnection, workspace: str, folded: Folded, works: Sequence[Work]) -> None:
        """Everything that folding has changed, but for the marks."""
        now = self.clock()
        renumbered = await writing.write(connection, self.state, workspace, folded.changes)
        await publish(connection, self.state, workspace, folded.published, renumbered, now)
        await insights_store.apply(connection, workspace, folded.tally)
        await stuck.forget(connection, workspace, [work.customer for work in works if work.whole])
        await stuck.list_events(connection, workspace, folded.unfoldable, now)
        done = [work.customer for work in works if work.customer not in folded.failed]
        await stuck.list_customers(connection, workspace, folded.failed, done, now)
        await builds.hold(connection, workspace)
        self.events += folded.events
        FOLDED.inc(folded.events)
        for customer, error in folded.failed.items():
            _log.error("a customer cannot be folded", extra={"customer": customer.hex(), "error": error})
        for customer, events in folded.unfoldable.items():
            details = {"customer": customer.hex(), "events": [one.event for one in events], "error": events[0].error}
            _log.error("events cannot be folded", extra=details)


class Fold:
    """The first lane of one process."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._most = _FIRST_CUSTOMERS
        self._visited: dict[str, set[tuple[str, int]]] = {}
        """By workspace, leases of which the partitions were looked after when this process came to own them."""

    async def step(self, workspace: str) -> int:
        """Folds the next customers of the partitions this process owns; how many it folded or left to the slow lane.

        A step that fails changed nothing. It is tried again with fewer customers, see Lanes.smaller.
        """
        chosen: list[bytes] = []
        began = time.monotonic()
        try:
            async with self._lanes.turn:
                await self._take_over(workspace)
                large = await self._step(workspace, chosen)
        except STEP_ERRORS as error:
            self._most = await self._lanes.smaller(self._most, workspace, chosen, error)
            raise
        self._adapt(len(chosen), time.monotonic() - began)
        return len(chosen) + large

    def _adapt(self, folded: int, seconds: float) -> None:
        """Short steps let go of the end of the log and of the leases; long ones waste less on the way.

        On a machine that is overloaded steps take long however few they fold: then few would be the worst choice.
        """
        if seconds > _LONG_SECONDS:
            self._most = max(self._most // 2, _FEWEST_CUSTOMERS)
        elif folded >= self._most and seconds < _LONG_SECONDS / 2:
            self._most = min(self._most * 2, _MOST_CUSTOMERS)

    async def _step(self, workspace: str, chosen: list[bytes]) -> int:
        """`chosen` is told whom it folds. How many it leaves to the slow lane."""
        lanes = self._lanes
        epochs, partitions = lanes.partitions()
        if not partitions:
            return 0
        now = lanes.clock()
        slow = [customer for of_workspace, customer in lanes.slow if of_workspace == workspace]
        async with lanes.state.write(snapshot=True) as connection:
            waiting = await dirty.waiting(connection, workspace, partitions, self._most, slow)
            some = max(self._most - len(waiting), self._most // _SHARE_OF_SILENCE, 1)
            due = await _due(connection, workspace, partitions, now, some, slow)
            if not waiting and not due:
                return 0
            changes = dict.fromkeys(due) | {customer: one.change for customer, one in waiting.items()}
            bench = await lanes.bench(connection, workspace)
            works = await bench.works(changes, await stuck.listed(connection, workspace, changes))
            large = {work.customer for work in works if bench.is_large(work)}
            works = bench.at_once([work for work in works if work.customer not in large])
            folded = await bench.fold(works, now, _LONG_SECONDS)
            large |= folded.large
            works = [work for work in works if work.customer not in large | folded.later]
            chosen += [work.customer for work in works]
            await lanes.write(connection, workspace, folded, works)
            await dirty.clear(connection, workspace, chosen)
            await lanes.leases.check(connection, epochs)
        lanes.slow |= {(workspace, customer): Slow(None) for customer in large}
        return len(large)

    async def _take_over(self, workspace: str) -> None:
        """Partitions that this process has just come to own are visited once.

        What could not be folded is tried again: the code may have been mended. And silence that was told up to a later
        moment than now is told again: some clock was wrong.
        """
        epochs, _partitions = self._lanes.partitions()
        new = epochs.items() - self._visited.get(workspace, set())
        if new:
            partitions = partitions_of(dict(new))
            async with self._lanes.state.write() as connection:
                await stuck.try_again(connection, workspace, partitions)
                await self._tell_again(connection, workspace, partitions)
                await self._lanes.leases.check(connection, epochs)
        self._visited[workspace] = set(epochs.items())

    async def _tell_again(self, connection: AsyncConnection, workspace: str, partitions: Collection[int]) -> None:
        now = self._lanes.clock()
        ahead = customers.c.workspace == workspace, customers.c.partition.in_(list(partitions)), customers.c.clock > now
        await connection.execute(update(customers).where(*ahead).values(due_at=now))


def partitions_of(leases: Iterable[str]) -> list[int]:
    return [int(name.removeprefix(FOLD)) for name in leases]


def is_about_the_data(error: BaseException) -> bool:
    """Whether trying the same rows again is bound to fail again."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, sqlite3.DataError | sqlite3.IntegrityError)
    return state.startswith(_DATA_FAULTS) and state != _ANOTHER_WAS_FASTER


async def _due(
    connection: AsyncConnection,
    workspace: str,
    partitions: Sequence[int],
    now: int,
    most: int,
    leave_out: Collection[bytes],
) -> list[bytes]:
    """Customers with an instance whose deadline has come: silence is an input too."""
    if most <= 0:
        return []
    failed = select(stuck_table.c.customer).where(
        stuck_table.c.workspace == workspace, stuck_table.c.event == stuck.NO_EVENT
    )
    query = (
        select(customers.c.customer)
        .where(customers.c.workspace == workspace, customers.c.partition.in_(partitions), customers.c.due_at <= now)
        .where(customers.c.customer.not_in(failed), customers.c.customer.not_in(leave_out))
        .order_by(customers.c.due_at)
        .limit(most)
    )
    return list((await connection.execute(query)).scalars())
