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
from services.events.replay.watching import Stage, Watch
from services.events.tables import identifiers

_EVENTS_ON_A_SHELF = 25_000  # about 60 MB while they are folded
_HELD_BYTES = 64 << 20
_PREFIX = 4  # bytes of an id, which is a digest, that tell its shelf


async def sort(
    log: LogStore, state: Database, aside: Aside, workspace: str, identified: Identified, watch: Watch
) -> int:
    """Puts everything that was identified on shelves; how many shelves there are. Later ones have larger ids."""
    shelves = -(-identified.events // _EVENTS_ON_A_SHELF)
    held: dict[int, list[RawShelved]] = defaultdict(list)
    held_bytes = sorted_events = 0
    for batch in range(identified.batches):
        owners = await aside.owners(batch)
        rows = await log.read_raw(workspace, owners)
        customers = await _customers(state, workspace, {one for some in owners.values() for one in some if one})
        for seq, profiles in owners.items():
            raws = rows[seq]
            for slot, profile in enumerate(profiles):
                if profile is not None:
                    customer, raw = customers[profile], raws[slot].copy()
                    held[_shelf_of(customer, shelves)].append((customer, profile, seq, slot, raw))
                    held_bytes += len(memoryview(raw))
                    sorted_events += 1
        if held_bytes > _HELD_BYTES:
            await aside.shelve(held)
            held, held_bytes = defaultdict(list), 0
        watch(Stage.SORTING, sorted_events, identified.events)
    await aside.shelve(held)
    return shelves


def _shelf_of(customer: ProfileId, shelves: int) -> int:
    return int.from_bytes(customer[:_PREFIX]) * shelves >> 8 * _PREFIX


async def _customers(state: Database, workspace: str, profiles: Collection[ProfileId]) -> dict[ProfileId, ProfileId]:
    """To which customer each profile belongs."""
    found: dict[ProfileId, ProfileId] = {}
    async with state.read() as connection:
        for some in chunked(list(profiles)):
            query = select(identifiers.c.profile, identifiers.c.customer).where(
                identifiers.c.workspace == workspace, among(connection, identifiers.c.profile, some)
            )
            found |= {row.profile: row.customer for row in await connection.execute(query)}
    return found
