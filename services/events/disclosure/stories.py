"""Reading what may be told to one customer, and what it means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from infra.chassis.clock import Clock
from infra.chassis.database import chunked
from services.events.disclosure.domain import Story, may_be_told
from services.events.disclosure.queries import DisclosureQueries, Found
from services.events.identity.domain import Identifier, profile_id
from services.events.intake.position import Place
from services.events.intake.store import LogStore
from services.events.live.past.folding import Past, folded
from services.events.models.queries import Models
from services.events.timeline.domain import Microseconds
from services.events.timeline.entry import Entry
from services.events.timeline.reader import EntryReader

MOST_TOLD = 5_000
"""The newest events of a customer that are told and folded; each call reads them all."""

_MOST_LOOKED_AT = 20_000  # in search of those: anybody can send claims
_LOOKED_AT_ONCE = 500


class Told(NamedTuple):
    story: Story
    read_to: Place
    """How far in the log it goes."""


class Moment(NamedTuple):
    """A story as far as it went, and what time it was."""

    story: Story
    clock: Microseconds


@dataclass(frozen=True, slots=True)
class Stories:
    queries: DisclosureQueries
    models: Models
    reader: EntryReader
    log: LogStore
    clock: Clock
    most: int = MOST_TOLD

    async def of(self, workspace: str, identifier: Identifier) -> Told:
        """What may be told to the one on whose behalf is asked."""
        known = profile_id(await self.log.secret(workspace), *identifier)
        found = await self.queries.find(workspace, known, _MOST_LOOKED_AT)
        entries = await self._entries(workspace, found)
        return Told(Story(known, found.members, found.links, entries), found.read_to)

    async def pasts(self, workspace: str, moments: Sequence[Moment]) -> list[Past]:
        """What stories meant at a moment. In a thread, so that everybody else is answered meanwhile."""
        journeys = await self.models.journeys(workspace)
        schedules = {key: journey.schedule for key, journey in journeys.items()}
        secret = await self.log.secret(workspace)

        def past(story: Story, clock: Microseconds) -> Past:
            return folded(schedules, secret, story.customer, story.entries, clock) if story.entries else Past({})

        return await asyncio.to_thread(lambda: [past(*moment) for moment in moments])

    async def past(self, workspace: str, story: Story) -> Past:
        """What a story means now."""
        [past] = await self.pasts(workspace, [Moment(story, self.clock())])
        return past

    async def _entries(self, workspace: str, found: Found) -> list[Entry]:
        own = {(member.type, member.value) for member in found.members.values()}
        told: list[Entry] = []
        for some in chunked(found.newest, _LOOKED_AT_ONCE):
            entries = [entry for entry in await self.reader.read(workspace, some) if entry is not None]
            told += [entry for entry in entries if entry.id not in found.left_out and may_be_told(entry, own)]
            if len(told) >= self.most:
                break
        return told[: self.most][::-1]
