"""Customers as they are stored, against the same customers made anew from their histories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among
from services.events.identity.domain import ProfileId
from services.events.insights.domain import Tally
from services.events.live.domain import EMPTY
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.live.state import read_states
from services.events.live.store import standing
from services.events.live.store.writing import Changes
from services.events.models import builds
from services.events.models.queries import Models
from services.events.personas import store as personas
from services.events.personas.queries import looked_for
from services.events.projector import stuck
from services.events.projector.refold import refold
from services.events.projector.work import Built, Work
from services.events.tables import checkpoints, dirty, instances, steps
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import BEGINNING, END, Microseconds
from services.events.timeline.reader import EntryReader

_Row = TypeVar("_Row", InstanceRow, StepRow)
_FACTS = ("partition", "first_key", "last_key", "first_event", "first_seen_at", "last_seen_at")


class Compared(NamedTuple):
    differences: dict[ProfileId, list[str]]
    """For each customer with any, the kinds of what differs."""
    waiting: int
    """Customers that are about to be folded, of whom nothing can be said."""
    stuck: int
    """Customers that cannot be folded at all, of whom the same is true."""


class _Stored(NamedTuple):
    """What the tables hold of some customers."""

    customers: dict[ProfileId, CustomerRow]
    instances: dict[ProfileId, set[InstanceRow]]
    steps: dict[ProfileId, set[StepRow]]
    checkpoints: dict[ProfileId, dict[bytes, bytes]]
    occurrences: dict[ProfileId, set[personas.Occurred]]


class Comparing:
    """Within one snapshot of one workspace; make it with `prepared`."""

    def __init__(
        self,
        connection: AsyncConnection,
        workspace: str,
        secret: bytes,
        reader: EntryReader,
        built: Mapping[int, Built],
        filled: frozenset[int],
        asked: frozenset[bytes],
        now: Microseconds,
    ) -> None:
        self._connection = connection
        self._workspace = workspace
        self._secret = secret
        self._reader = reader
        self._built = built
        self._filled = filled
        self._asked = asked
        self._now = now

    @classmethod
    async def prepared(
        cls,
        connection: AsyncConnection,
        workspace: str,
        secret: bytes,
        models: Models,
        reader: EntryReader,
        now: Microseconds,
    ) -> Comparing:
        active = await builds.active(connection, workspace)
        schedules = await models.schedules(connection, workspace, active)
        built = {one.number: Built(one.number, one.journey, schedules[one.number]) for one in active}
        unfinished = {rebuild.build.number for rebuild in await builds.rebuilds(connection, workspace)}
        asked = await personas.asked(connection, workspace) - await looked_for(connection, workspace)
        return cls(connection, workspace, secret, reader, built, frozenset(built) - unfinished, asked, now)

    async def compare(self, asked: Collection[ProfileId]) -> Compared:
        waiting = await self._waiting(asked)
        listed = await stuck.listed(self._connection, self._workspace, asked)
        failed = {customer for customer, events in listed.items() if stuck.NO_EVENT in events} - waiting
        looked_at = [customer for customer in asked if customer not in waiting and customer not in failed]
        stored = await self._stored(looked_at)
        differences = {}
        for work in await self._works(looked_at, stored, listed):
            if found := self._differences(work, stored):
                differences[work.customer] = found
        return Compared(differences, len(waiting), len(failed))

    async def _waiting(self, asked: Collection[ProfileId]) -> set[ProfileId]:
        marked = among(self._connection, dirty.c.customer, asked)
        query = select(dirty.c.customer).where(dirty.c.workspace == self._workspace, marked)
        return set((await self._connection.execute(query)).scalars())

    async def _stored(self, asked: Collection[ProfileId]) -> _Stored:
        noted: dict[ProfileId, dict[bytes, bytes]] = defaultdict(dict)
        columns = checkpoints.c.customer, checkpoints.c.key, checkpoints.c.state
        of_them = among(self._connection, checkpoints.c.customer, asked)
        query = select(*columns).where(checkpoints.c.workspace == self._workspace, of_them)
        for customer, key, state in await self._connection.execute(query):
            noted[customer][key] = state
        return _Stored(
            await standing.stored_customers(self._connection, self._workspace, asked),
            await self._rows(instances, InstanceRow, asked),
            await self._rows(steps, StepRow, asked),
            noted,
            await personas.of_customers(self._connection, self._workspace, asked),
        )

    async def _rows(self, table: Any, kind: type[_Row], asked: Collection[ProfileId]) -> dict[ProfileId, set[_Row]]:
        found: dict[ProfileId, set[_Row]] = defaultdict(set)
        of_them = table.c.workspace == self._workspace, among(self._connection, table.c.customer, asked)
        query = select(*(table.c[name] for name in kind._fields)).where(*of_them, table.c.build.in_(self._built))
        for row in await self._connection.execute(query):
            found[row.customer].add(kind(*row))
        return found

    async def _works(
        self, asked: Sequence[ProfileId], stored: _Stored, listed: Mapping[ProfileId, Collection[str]]
    ) -> list[Work]:
        """Whole histories, under the builds that each customer is to be folded under."""
        stretches = [(customer, BEGINNING, END) for customer in asked]
        found = await timeline_store.events_within(self._connection, self._workspace, stretches)
        entries = await self._reader.read(self._workspace, [(seq, slot) for _customer, seq, slot in found])
        histories = defaultdict(list)
        for (customer, *_place), entry in zip(found, entries, strict=True):
            if entry is not None:
                histories[customer].append(entry)
        works = []
        for customer in asked:
            row = stored.customers.get(customer)
            known = set(read_states(row.state)) & self._built.keys() if row else set()
            base = dict.fromkeys(known | self._filled, EMPTY)
            history = sorted(histories[customer], key=attrgetter("key"))
            works.append(Work(customer, None, END, BEGINNING, END, base, entries=history))
            works[-1].left_out |= set(listed.get(customer, ()))
        return works

    def _differences(self, work: Work, stored: _Stored) -> list[str]:
        row = stored.customers.get(work.customer)
        try:
            outcome = refold(work, self._built, Tally(), self._secret, row.clock if row else self._now)
        except Exception as error:
            return [f"cannot be folded ({type(error).__name__})"]
        changes = outcome.changes if outcome else Changes()
        made = changes.customers[0] if changes.customers else None
        noted = {key: state for _customer, key, state in changes.checkpoints}
        of_builds = work.base.keys()
        occurred = {one for one in stored.occurrences.get(work.customer, ()) if one.name in self._asked}
        checks: dict[str, bool] = {
            "instances": _same(stored.instances[work.customer], changes.instances, of_builds),
            "steps": _same(stored.steps[work.customer], changes.steps, of_builds),
            "checkpoints": _same_states(stored.checkpoints[work.customer], noted, of_builds),
            "occurrences": occurred == set(personas.occurred_in(self._asked, work.entries, self._secret)),
            "customer": _alike(row, made, _facts),
            "traits": _alike(row, made, attrgetter("traits")),
            "state": _alike(row, made, lambda one: _states(one.state, of_builds)),
            "deadline": _is_in_time(row, made),
        }
        return [name for name, is_same in checks.items() if not is_same]


def _same(stored: Iterable[_Row], made: Iterable[_Row], of_builds: Collection[int]) -> bool:
    return {row for row in stored if row.build in of_builds} == set(made)


def _alike(row: CustomerRow | None, made: CustomerRow | None, read: Callable[[CustomerRow], Any]) -> bool:
    """Whether both say the same. That one of them is not there is said once, by `_facts`."""
    if row is None or made is None:
        return row is made or read is not _facts
    return bool(read(row) == read(made))


def _facts(row: CustomerRow) -> tuple[Hashable, ...]:
    return tuple(getattr(row, name) for name in _FACTS)


def _states(stored: bytes, of_builds: Collection[int]) -> dict[int, Any]:
    """What is still held of builds that were swept away means nothing."""
    return {build: state for build, state in read_states(stored).items() if build in of_builds}


def _same_states(stored: Mapping[bytes, bytes], made: Mapping[bytes, bytes], of_builds: Collection[int]) -> bool:
    if stored.keys() != made.keys():
        return False
    return all(_states(stored[key], of_builds) == _states(made[key], of_builds) for key in made)


def _is_in_time(row: CustomerRow | None, made: CustomerRow | None) -> bool:
    """A customer may be looked after too early, which changes nothing: when a build that was swept away had a deadline,
    or when a clock was wrong."""
    if row is None or made is None or made.due_at is None:
        return True
    return row.due_at is not None and row.due_at <= made.due_at
