"""The second stage: folds dirty customers into instances, steps and traits.

Customers are spread over partitions, each with one owner. A step takes the marks that have waited longest and the
instances whose deadline has come, reads the histories concerned in one snapshot, folds them, and writes what differs
from what is stored: so a duplicate, a late event, a merge and a new version are all the same operation.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Any, cast

import asyncpg
import msgspec
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database, among
from services.events.intake.store import LogStore
from services.events.live import store
from services.events.live.domain import Instance, Step, fold
from services.events.live.store import CustomerRow, Folded, InstanceRow, StepRow, steps_digest
from services.events.models.queries import Journey, Models
from services.events.projector import dirty
from services.events.projector.leases import Leases
from services.events.tables import instances, stuck
from services.events.timeline import store as timeline_store
from services.events.timeline.entry import Entry
from services.events.timeline.reader import EntryReader

_log = logging.getLogger(__name__)
_FIRST_CUSTOMERS, _MOST_CUSTOMERS = 128, 1_024
_LONG_SECONDS = 0.4
_DATA_FAULTS = ("22", "23", "54")  # SQLSTATE classes: data exception, constraint, program limit
_ANOTHER_WAS_FASTER = "23505"  # the same new row


@dataclass(slots=True)
class _Outcome:
    """What one step found out about its customers."""

    customers: list[CustomerRow]
    gone: list[bytes]
    instances: dict[bytes, Folded]
    failed: dict[bytes, str]


class Fold:
    """The fold stage of one process."""

    def __init__(
        self, log: LogStore, state: Database, reader: EntryReader, models: Models, leases: Leases, clock: Clock
    ) -> None:
        self._log = log
        self._state = state
        self._reader = reader
        self._models = models
        self._leases = leases
        self._clock = clock
        self._most = _FIRST_CUSTOMERS

    async def step(self, workspace: str) -> int:
        """Folds the next customers of the partitions this process owns; how many it folded.

        A step that fails changed nothing. It is tried again with fewer customers, until a single one that cannot be
        written is set aside: one bad history must not hold up the others.
        """
        epochs = {name: epoch for name, epoch in self._leases.held.items() if name.startswith("fold/")}
        chosen: set[bytes] = set()
        began = time.monotonic()
        try:
            await self._step(workspace, epochs, chosen)
        except (DBAPIError, asyncpg.PostgresError) as error:  # the latter from COPY, which SQLAlchemy knows nothing of
            cause = getattr(error, "orig", None) or error
            if _is_about_the_data(cause):
                if len(chosen) == 1:
                    await self._set_aside(workspace, epochs, chosen, type(cause).__name__)
                self._most = max(self._most // 8, 1)
            raise
        self._adapt(len(chosen), time.monotonic() - began)
        return len(chosen)

    def _adapt(self, folded: int, seconds: float) -> None:
        """Short steps let go of the end of the log and of the leases; long ones waste less on the way."""
        if seconds > _LONG_SECONDS:
            self._most = max(self._most // 2, 1)
        elif folded >= self._most and seconds < _LONG_SECONDS / 2:
            self._most = min(self._most * 2, _MOST_CUSTOMERS)

    async def _step(self, workspace: str, epochs: Mapping[str, int], chosen: set[bytes]) -> None:
        partitions = [int(name.removeprefix("fold/")) for name in epochs]
        if not partitions:
            return
        now = self._clock()
        async with self._state.write(snapshot=True) as connection:
            chosen |= set(await dirty.waiting(connection, workspace, partitions, self._most))
            if len(chosen) < self._most:
                chosen |= await _due(connection, workspace, partitions, now, self._most - len(chosen))
            if not chosen:
                return
            histories = await self._histories(connection, workspace, chosen)
            journeys = await self._models.journeys(workspace)
            secret = await self._log.secret(workspace)
            # In a thread, so that the leases are renewed however long it takes.
            outcome = await asyncio.to_thread(_fold, journeys, secret, chosen, histories, now)
            await self._write(connection, workspace, outcome, chosen, now)
            await dirty.clear(connection, workspace, chosen)
            await self._leases.check(connection, epochs)

    async def _set_aside(self, workspace: str, epochs: Mapping[str, int], chosen: set[bytes], error: str) -> None:
        async with self._state.write() as connection:
            await _list_stuck(connection, workspace, chosen, dict.fromkeys(chosen, error), self._clock())
            await dirty.clear(connection, workspace, chosen)
            await self._leases.check(connection, epochs)

    async def _histories(
        self, connection: AsyncConnection, workspace: str, chosen: Collection[bytes]
    ) -> Mapping[bytes, list[Entry]]:
        """Each customer's events in history order."""
        placed = await timeline_store.histories(connection, workspace, chosen)
        entries = await self._reader.read(workspace, [(seq, slot) for _customer, seq, slot in placed])
        histories: dict[bytes, list[Entry]] = defaultdict(list)
        for (customer, _seq, _slot), entry in zip(placed, entries, strict=True):
            if entry is not None:
                histories[customer].append(entry)
        for history in histories.values():
            history.sort(key=attrgetter("key"))
        return histories

    async def _write(
        self, connection: AsyncConnection, workspace: str, outcome: _Outcome, chosen: Collection[bytes], now: int
    ) -> None:
        done = [customer for customer in chosen if customer not in outcome.failed]
        stored = await store.stored_instances(connection, workspace, done, outcome.instances)
        await store.write_instances(connection, self._state, workspace, outcome.instances, stored)
        await store.write_customers(connection, workspace, outcome.customers, outcome.gone)
        await _list_stuck(connection, workspace, chosen, outcome.failed, now)


def _fold(
    journeys: Mapping[str, Journey],
    secret: bytes,
    chosen: Collection[bytes],
    histories: Mapping[bytes, list[Entry]],
    now: int,
) -> _Outcome:
    """What the histories of customers mean now."""
    outcome = _Outcome([], [], {}, {})
    for customer in chosen:
        history = histories.get(customer, [])
        if not history:
            outcome.gone.append(customer)
            continue
        try:
            folded = [
                _as_row(instance_id(secret, journey.key, instance), customer, journey.key, instance)
                for journey in journeys.values()
                for instance in fold(journey.schedule, history, now).instances
            ]
        except Exception as error:
            # One history that cannot be folded must not hold up the others; it is listed and tried again later.
            outcome.failed[customer] = type(error).__name__
            continue
        outcome.instances |= {one.row.instance: one for one in folded}
        outcome.customers.append(_customer_row(customer, history))
    return outcome


async def _list_stuck(
    connection: AsyncConnection, workspace: str, chosen: Collection[bytes], failed: Mapping[bytes, str], now: int
) -> None:
    """Of the chosen customers those that failed, and no others, are listed as stuck."""
    await connection.execute(
        stuck.delete().where(stuck.c.workspace == workspace, among(connection, stuck.c.customer, list(chosen)))
    )
    for customer, error in failed.items():
        _log.error("a customer cannot be folded", extra={"customer": customer.hex(), "error": error})
        row = {"customer": customer, "partition": dirty.partition_of(customer), "error": error, "since": now}
        await connection.execute(stuck.insert().values(workspace=workspace, **row))


def _is_about_the_data(error: BaseException) -> bool:
    """Whether trying the same rows again is bound to fail again."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, sqlite3.DataError | sqlite3.IntegrityError)
    return state.startswith(_DATA_FAULTS) and state != _ANOTHER_WAS_FASTER


def instance_id(secret: bytes, journey: str, instance: Instance) -> bytes:
    """From the workspace, the journey and the event that started the run: it survives merges, splits and versions."""
    start = instance.steps[0].event
    text = f"{journey}\x00{start.source}\x00{start.message_id}"
    return blake2b(text.encode(), digest_size=16, key=secret, person=b"instance").digest()


async def _due(
    connection: AsyncConnection, workspace: str, partitions: Sequence[int], now: int, most: int
) -> set[bytes]:
    """Customers with an instance whose deadline has come: silence is an input too."""
    query = (
        select(instances.c.customer)
        .where(instances.c.workspace == workspace, instances.c.partition.in_(partitions), instances.c.due_at <= now)
        .where(instances.c.customer.not_in(select(stuck.c.customer).where(stuck.c.workspace == workspace)))
        .order_by(instances.c.due_at)
        .limit(most)
    )
    return set((await connection.execute(query)).scalars())


def _customer_row(customer: bytes, history: Sequence[Entry]) -> CustomerRow:
    traits: dict[str, tuple[Any, int, str]] = {}
    for entry in history:
        if entry.kind == "identify":
            traits |= {key: (value, entry.occurred_at, entry.source) for key, value in entry.traits.items()}
    return CustomerRow(
        customer,
        dirty.partition_of(customer),
        history[0].occurred_at,
        history[-1].occurred_at,
        history[0].id,
        msgspec.json.encode(traits),
    )


def _as_row(id: bytes, customer: bytes, journey: str, instance: Instance) -> Folded:
    rows = [_step_row(id, step) for step in instance.steps]
    drop = instance.drop_off
    row = InstanceRow(
        instance=id,
        customer=customer,
        partition=dirty.partition_of(customer),
        journey=journey,
        version=instance.version,
        key=instance.key,
        run=instance.run,
        status=instance.status,
        phase=instance.phase,
        touchpoint=instance.touchpoint,
        started_at=instance.started_at,
        start_event=cast(Entry, instance.steps[0].event).id,
        last_event_at=instance.last_event_at,
        ended_at=instance.ended_at,
        due_at=instance.due_at,
        drop_reason=drop.reason if drop else None,
        drop_phase=drop.phase if drop else None,
        drop_at=drop.at if drop else None,
        drop_evidence=" ".join(cast(Entry, event).id for event in drop.evidence) if drop else None,
        steps=len(rows),
        steps_digest=steps_digest(rows),
    )
    return Folded(row, rows)


def _step_row(instance: bytes, step: Step) -> StepRow:
    event = cast(Entry, step.event)  # the fold hands back the events it was given
    return StepRow(
        instance,
        event.key,
        event.seq,
        event.slot,
        step.touchpoint,
        step.phase,
        step.direction,
        event.channel,
        event.device,
    )
