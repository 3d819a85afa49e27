"""The second stage of a replay: the log once more, its events put on shelves by customer.

A shelf holds the whole histories of some customers, as much as can well be held in memory. So each row of the log is
unpacked twice in all, however the histories of customers are spread over it. Events are not even decoded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select

from infra.chassis.database import Database, among, chunked
from services.events.identity.domain import ProfileId
from services.events.intake.store import LogStore
from services.events.replay.aside import Aside, RawShelved
from services.events.replay.identifying import Identified
from services.events.replay.watching import Stage, Watch
from services.events.tables import identifiers

_EVENTS_ON_A_SHELF = 25_000  # about 60 MB while they are folded
_HELD_EVENTS = 60_000  # before they are put on shelves; as much again
_KNOWN_PROFILES = 200_000
_PREFIX = 4  # bytes of an id, which is a digest, that tell its shelf


async def sort(
    log: LogStore, state: Database, aside: Aside, workspace: str, identified: Identified, watch: Watch
) -> int:
    """Puts everything that was identified on shelves; how many shelves there are. Later ones have larger ids."""
    homes = _Homes(state, workspace, -(-identified.events // _EVENTS_ON_A_SHELF))
    held: dict[int, list[RawShelved]] = defaultdict(list)
    held_events = sorted_events = 0
    for batch in range(identified.batches):
        owners = await aside.owners(batch)
        rows = await log.read_raw(workspace, owners)
        known = await homes.of({profile for profiles in owners.values() for profile in profiles if profile})
        for seq, profiles in owners.items():
            for slot, (profile, raw) in enumerate(zip(profiles, rows[seq], strict=True)):
                if profile is not None:
                    customer, shelf = known[profile]
                    held[shelf].append((customer, profile, seq, slot, raw))
                    held_events += 1
        if held_events > _HELD_EVENTS:
            await aside.shelve(held)
            sorted_events += held_events
            held, held_events = defaultdict(list), 0
        watch(Stage.SORTING, sorted_events + held_events, identified.events)
    await aside.shelve(held)
    return homes.shelves


class _Homes:
    """To which customer profiles belong, and on which shelf it is. Those of one batch are often in the next, too."""

    def __init__(self, state: Database, workspace: str, shelves: int) -> None:
        self._state = state
        self._workspace = workspace
        self._known: dict[ProfileId, tuple[ProfileId, int]] = {}
        self.shelves = shelves

    async def of(self, profiles: Collection[ProfileId]) -> Mapping[ProfileId, tuple[ProfileId, int]]:
        """At least of these."""
        if len(self._known) > _KNOWN_PROFILES:
            self._known.clear()
        missing = [profile for profile in profiles if profile not in self._known]
        async with self._state.read() as connection:
            for some in chunked(missing):
                query = select(identifiers.c.profile, identifiers.c.customer).where(
                    identifiers.c.workspace == self._workspace, among(connection, identifiers.c.profile, some)
                )
                for profile, customer in await connection.execute(query):
                    self._known[profile] = customer, int.from_bytes(customer[:_PREFIX]) * self.shelves >> 8 * _PREFIX
        return self._known
