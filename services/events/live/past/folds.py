"""Folds histories up to a moment out of what the stores hold, and keeps the latest: one question of a frontend comes
as several calls about the same customer and moment."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from weakref import WeakValueDictionary

from infra.chassis.database import chunked
from infra.chassis.errors import Unavailable
from services.events.identity.domain import ProfileId
from services.events.intake.store import LogStore
from services.events.live.past.folding import Past, folded
from services.events.live.past.queries import Extent, PastQueries
from services.events.models.queries import Journey, Models
from services.events.timeline.domain import Microseconds, first_key_at
from services.events.timeline.entry import Entry
from services.events.timeline.reader import EntryReader

_READ_AT_ONCE = 500  # events; their rows are unpacked in the event loop, in about 10 ms
_LONG = 5_000  # events: of longer histories, about 3 kB an event while they are folded, one is folded at a time
_PATIENCE_SECONDS = 10  # for a turn; clients that ask again fare better than a queue that nobody waits for
_KEPT = 64  # pasts
_KEPT_STEPS = 200_000  # of all of them; about 50 MB

_Asked = tuple[str, ProfileId, Microseconds]


class _Kept(NamedTuple):
    extent: Extent
    journeys: Mapping[str, Journey]
    past: Past


class Folds:
    """The pasts of customers of all workspaces. What is kept is given out only while nothing that it was made of has
    changed, so that whoever writes reads it back."""

    def __init__(self, queries: PastQueries, models: Models, log: LogStore) -> None:
        self._queries = queries
        self._models = models
        self._log = log
        # Its rows are not kept: a long history would push out what the timelines of all others need.
        self._reader = EntryReader(log, cached_bytes=0)
        self._kept: OrderedDict[_Asked, _Kept] = OrderedDict()
        self._kept_steps = 0
        self._turns: WeakValueDictionary[_Asked, asyncio.Lock] = WeakValueDictionary()
        self._long = asyncio.Semaphore(1)

    async def of(self, workspace: str, customer: ProfileId, moment: Microseconds) -> Past:
        """What the customer's events until `moment` meant then. Costs a count of them, or reading and folding all."""
        asked = (workspace, customer, moment)
        turn = self._turns.setdefault(asked, asyncio.Lock())
        async with turn:  # who asks meanwhile waits for the same fold
            extent = await self._queries.extent(workspace, customer, first_key_at(moment + 1))
            journeys = await self._models.journeys(workspace)
            kept = self._kept.get(asked)
            if kept is not None and kept.extent == extent and kept.journeys is journeys:
                self._kept.move_to_end(asked)
                return kept.past
            past = await self._fold(workspace, customer, moment, extent, journeys)
            self._keep(asked, _Kept(extent, journeys, past))
            return past

    async def _fold(
        self, workspace: str, customer: ProfileId, moment: Microseconds, extent: Extent, journeys: Mapping[str, Journey]
    ) -> Past:
        places = await self._queries.places(workspace, customer, first_key_at(moment + 1))
        secret = await self._log.secret(workspace)
        schedules = {key: journey.schedule for key, journey in journeys.items()}
        async with self._memory_for(places):
            entries: list[Entry] = []
            for some in chunked(places, _READ_AT_ONCE):
                read = await self._reader.read(workspace, some)
                entries += [entry for entry in read if entry is not None and entry.id not in extent.left_out]
            # In a thread, so that everybody else is answered meanwhile.
            return await asyncio.to_thread(folded, schedules, secret, customer, entries, moment)

    @asynccontextmanager
    async def _memory_for(self, places: Sequence[object]) -> AsyncIterator[None]:
        """Long histories are read one at a time. Raises Unavailable if those before this one take too long."""
        if len(places) <= _LONG:
            yield
            return
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._long.acquire()
        except TimeoutError as error:
            raise Unavailable("Other long histories are being read; try again.") from error
        try:
            yield
        finally:
            self._long.release()

    def _keep(self, asked: _Asked, kept: _Kept) -> None:
        replaced = self._kept.pop(asked, None)
        self._kept[asked] = kept
        self._kept_steps += kept.past.size - (replaced.past.size if replaced else 0)
        while len(self._kept) > _KEPT or (self._kept_steps > _KEPT_STEPS and len(self._kept) > 1):
            _, dropped = self._kept.popitem(last=False)
            self._kept_steps -= dropped.past.size
