"""The third stage of a replay: every customer's whole history, folded once.

Nothing is stored of the customers yet, so nothing is read or compared: what a fold comes to is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple, cast

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.identity.domain import ProfileId
from services.events.insights import store as insights_store
from services.events.insights.domain import Tally
from services.events.intake.store import LogStore
from services.events.live.domain import EMPTY
from services.events.live.store import writing
from services.events.live.store.writing import Changes
from services.events.models import builds
from services.events.models.queries import Models
from services.events.personas import store as personas
from services.events.projector import stuck
from services.events.projector.fold import is_about_the_data
from services.events.projector.refold import Outcome, refold
from services.events.projector.work import Built, Unfoldable, Work
from services.events.replay.aside import Aside
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import BEGINNING, END, Microseconds
from services.events.timeline.entry import Entry
from services.events.timeline.store import Placed


class History(NamedTuple):
    customer: ProfileId
    entries: list[Entry]
    """In history order."""


@dataclass(slots=True)
class _Folded:
    changes: Changes = field(default_factory=Changes)
    tally: Tally = field(default_factory=Tally)
    unfoldable: dict[ProfileId, list[Unfoldable]] = field(default_factory=dict)
    failed: dict[ProfileId, str] = field(default_factory=dict)


class Folding:
    """Of one workspace; make it with `prepared`."""

    def __init__(
        self,
        state: Database,
        workspace: str,
        secret: bytes,
        built: Mapping[int, Built],
        asked: Collection[bytes],
        now: Microseconds,
    ) -> None:
        self._state = state
        self._workspace = workspace
        self._secret = secret
        self._built = built
        self._asked = asked
        self._now = now

    @classmethod
    async def prepared(cls, log: LogStore, state: Database, workspace: str, now: Microseconds) -> Folding:
        """Under the builds there are now. Silence will be told up to `now`."""
        async with state.read() as connection:
            active = await builds.active(connection, workspace)
            schedules = await Models(state).schedules(connection, workspace, active)
            asked = await personas.asked(connection, workspace)
        built = {one.number: Built(one.number, one.journey, schedules[one.number]) for one in active}
        return cls(state, workspace, await log.secret(workspace), built, asked, now)

    async def fold(self, aside: Aside, shelf: int) -> int:
        """Folds and writes the customers of a shelf; how many events they have."""
        events: dict[ProfileId, list[Entry]] = defaultdict(list)
        placed: list[Placed] = []
        occurred: list[personas.Occurred] = []
        for customer, profile, seq, slot, recorded in await aside.events_on(shelf):
            entry = Entry.of(seq, slot, recorded)
            events[customer].append(entry)
            placed.append(Placed(profile, entry.key, seq, slot))
            occurred += personas.among_asked(self._asked, [(profile, entry)])
        placed.sort()
        async with self._state.write() as connection:
            await timeline_store.append(connection, self._workspace, placed)
            await personas.append(connection, self._workspace, sorted(occurred))
        await self._write([History(one, sorted(events[one], key=attrgetter("key"))) for one in sorted(events)])
        return len(placed)

    async def _write(self, histories: Sequence[History]) -> None:
        """Halves are tried if the database refuses the data, until a customer that cannot be written is alone."""
        folded = self._fold(histories)
        try:
            async with self._state.write() as connection:
                await self._write_folded(connection, folded)
        except (DBAPIError, asyncpg.PostgresError) as error:
            cause = getattr(error, "orig", None) or error
            if not is_about_the_data(cause):
                raise
            if len(histories) > 1:
                half = len(histories) // 2
                await self._write(histories[:half])
                await self._write(histories[half:])
                return
            async with self._state.write() as connection:
                failed = {histories[0].customer: type(cause).__name__}
                await stuck.list_customers(connection, self._workspace, failed, (), self._now)

    async def _write_folded(self, connection: AsyncConnection, folded: _Folded) -> None:
        await writing.write(connection, self._state, self._workspace, folded.changes)
        await insights_store.apply(connection, self._workspace, folded.tally)
        await stuck.list_events(connection, self._workspace, folded.unfoldable, self._now)
        await stuck.list_customers(connection, self._workspace, folded.failed, (), self._now)

    def _fold(self, histories: Sequence[History]) -> _Folded:
        folded = _Folded()
        for customer, entries in histories:
            base = dict.fromkeys(self._built, EMPTY)
            work = Work(customer, None, END, BEGINNING, END, base, entries=entries)
            try:
                outcome = refold(work, self._built, folded.tally, self._secret, self._now)
            except Exception as error:  # as in the projector, one history does not hold up the others
                folded.failed[customer] = type(error).__name__
                continue
            outcome = cast(Outcome, outcome)  # from the beginning there is nothing more to know
            folded.changes.add(outcome.changes)
            if outcome.unfoldable:
                folded.unfoldable[customer] = outcome.unfoldable
        return folded
