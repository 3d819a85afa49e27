"""The second stage of a replay: the log once more, its events put on shelves by customer.

A shelf holds the whole histories of some customers, as much as can well be held in memory. So each row of the log is
unpacked twice in all, however the histories of customers are spread over it. Events are not even decoded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select

from infra.chassis.database import Database, among, chunked
from services.events.identity.domain import ProfileId
from services.events.intake.store import LogStore
from services.events.replay.aside import Aside, RawShelved
from services.events.replay.identifying import Identified
from services.events.tables import identifiers

_EVENTS_ON_A_SHELF = 25_000  # about 60 MB while they are folded
_FEW_EVENTS, _FEW_SHELVES = 4_000, 16  # enough for no process to wait long for the others at the end
_KNOWN_PROFILES = 200_000
_PREFIX = 4  # bytes of an id, which is a digest, that tell its shelf


def shelves_for(identified: Identified) -> int:
    """How many shelves hold everything. Later ones have larger ids."""
    events = identified.events
    return max(-(-events // _EVENTS_ON_A_SHELF), min(-(-events // _FEW_EVENTS), _FEW_SHELVES))


class Sorting:
    """Of one workspace, in one process."""

    def __init__(self, log: LogStore, state: Database, aside: Aside, workspace: str, shelves: int) -> None:
        self._log = log
        self._state = state
        self._aside = aside
        self._workspace = workspace
        self._shelves = shelves
        self._known: dict[ProfileId, tuple[ProfileId, int]] = {}
        """By profile its customer, and the shelf of that one. Who is in one batch is often in the next, too."""

    async def sort(self, batch: int) -> int:
        """Puts the events of a batch on shelves; how many they are."""
        owners = await self._aside.owners(batch)
        rows = await self._log.read_raw(self._workspace, owners)
        await self._look_up({profile for profiles in owners.values() for profile in profiles if profile})
        known = self._known
        sorted_events: dict[int, list[RawShelved]] = defaultdict(list)
        for seq, profiles in owners.items():
            for slot, (profile, raw) in enumerate(zip(profiles, rows[seq], strict=True)):
                if profile is not None:
                    customer, shelf = known[profile]
                    sorted_events[shelf].append((customer, profile, seq, slot, raw))
        await self._aside.shelve(sorted_events)
        return sum(map(len, sorted_events.values()))

    async def _look_up(self, profiles: Collection[ProfileId]) -> None:
        if len(self._known) > _KNOWN_PROFILES:
            self._known.clear()
        missing = [profile for profile in profiles if profile not in self._known]
        async with self._state.read() as connection:
            for some in chunked(missing):
                query = select(identifiers.c.profile, identifiers.c.customer).where(
                    identifiers.c.workspace == self._workspace, among(connection, identifiers.c.profile, some)
                )
                for profile, customer in await connection.execute(query):
                    self._known[profile] = customer, int.from_bytes(customer[:_PREFIX]) * self._shelves >> 8 * _PREFIX
