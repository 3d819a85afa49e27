"""Who projects what: every part of the work has one owner, and a former owner cannot change anything any more.

A process renews one heartbeat. A lease belongs to its owner for as long as that heartbeat is fresh; then another
process may take it, which raises its epoch. Each step checks owner and epoch inside its own transaction, so one that
was paused past its lease and woken again finds its transaction refused. Heartbeats and leases are separate rows so
that renewing never collides with that check.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, delete, literal_column, not_, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock
from infra.chassis.database import Database, among
from services.events.partitions import PARTITIONS
from services.events.tables import leases, projectors

LEASE_MICROSECONDS = 1_500_000
FOLD = "fold/"
"""What the names of the leases of partitions begin with."""
_SERIALIZATION_FAILURE = "40001"  # how PostgreSQL says that a row changed after a snapshot was taken


def database_now() -> ColumnElement[int]:
    """The present by PostgreSQL's clock, by which leases expire there."""
    return literal_column("(extract(epoch from clock_timestamp()) * 1000000)::bigint")


def fold_lease(partition: int) -> str:
    return f"{FOLD}{partition}"


def identify_lease(workspace: str) -> str:
    return f"identify/{workspace}"


def settle_lease(workspace: str) -> str:
    return f"settle/{workspace}"


def lease_names(workspaces: Collection[str]) -> list[str]:
    """Every part of the work."""
    folding = [fold_lease(partition) for partition in range(PARTITIONS)]
    return folding + [lease(workspace) for lease in (identify_lease, settle_lease) for workspace in workspaces]


class LeaseLost(Exception):
    """Another process owns this part of the work now; what was done in this transaction must not be committed."""


class Leases:
    """The leases of one process.

    `exclusive` says that no other process can be there (the embedded tier holds a lock on its data folder): whatever
    a former process left behind is taken at once.
    """

    def __init__(self, state: Database, owner: str, clock: Clock, *, exclusive: bool) -> None:
        self._state = state
        self._owner = owner
        self._exclusive = exclusive
        self._now: Clock = clock
        self.held: dict[str, int] = {}

    async def renew(self, names: Sequence[str]) -> None:
        """Keeps this process alive, takes its fair share of `names`, gives back what is more than that."""
        async with self._state.write() as connection:
            now = self._clock_of(connection)
            beat = self._state.upsert(projectors).values(owner=self._owner, expires_at=now + LEASE_MICROSECONDS)
            await connection.execute(
                beat.on_conflict_do_update(
                    index_elements=[projectors.c.owner], set_={"expires_at": beat.excluded.expires_at}
                )
            )
            await connection.execute(delete(projectors).where(projectors.c.expires_at < now - 20 * LEASE_MICROSECONDS))
            known = self._state.upsert(leases).on_conflict_do_nothing()
            await connection.execute(known, [{"name": name, "epoch": 0} for name in names])
            self.held = await self._take_share(connection, now, names)

    async def _take_share(
        self, connection: AsyncConnection, now: ColumnElement[int] | int, names: Sequence[str]
    ) -> dict[str, int]:
        alive = select(projectors.c.owner).where(projectors.c.expires_at > now)
        if self._exclusive:
            alive = alive.where(projectors.c.owner == self._owner)
        others = len(set((await connection.execute(alive)).scalars()) - {self._owner})
        share = math.ceil(len(names) / (others + 1))
        mine = select(leases.c.name).where(leases.c.owner == self._owner, among(connection, leases.c.name, names))
        owned = sorted((await connection.execute(mine)).scalars())
        if len(owned) > share:
            surplus = among(connection, leases.c.name, owned[share:])
            await connection.execute(update(leases).where(surplus, leases.c.owner == self._owner).values(owner=None))
        elif len(owned) < share:
            free = or_(leases.c.owner.is_(None), not_(leases.c.owner.in_(alive)))
            candidates = select(leases.c.name).where(free, among(connection, leases.c.name, names))
            candidates = candidates.order_by(leases.c.name).limit(share - len(owned))
            if not self._state.is_sqlite:
                candidates = candidates.with_for_update(skip_locked=True)
            taken = list((await connection.execute(candidates)).scalars())
            take = update(leases).where(among(connection, leases.c.name, taken))
            await connection.execute(take.values(owner=self._owner, epoch=leases.c.epoch + 1))
        held = select(leases.c.name, leases.c.epoch).where(
            leases.c.owner == self._owner, among(connection, leases.c.name, names)
        )
        return {row.name: row.epoch for row in await connection.execute(held)}

    async def release(self) -> None:
        """Lets others go on at once, when this process ends in peace."""
        async with self._state.write() as connection:
            await connection.execute(delete(projectors).where(projectors.c.owner == self._owner))
            await connection.execute(update(leases).where(leases.c.owner == self._owner).values(owner=None))
        self.held = {}

    async def check(self, connection: AsyncConnection, epochs: Mapping[str, int]) -> None:
        """The fence: call it last in a step's transaction. Raises LeaseLost when any of `epochs` is not ours now."""
        query = select(leases.c.name, leases.c.epoch).where(
            leases.c.owner == self._owner, among(connection, leases.c.name, list(epochs))
        )
        if not self._state.is_sqlite:
            query = query.with_for_update(read=True)
        try:
            current = {row.name: row.epoch for row in await connection.execute(query)}
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _SERIALIZATION_FAILURE:
                raise
            raise LeaseLost(f"one of {sorted(epochs)} changed hands during the step") from error
        if current != dict(epochs):
            raise LeaseLost(f"lost {sorted(set(epochs.items()) - set(current.items()))}")

    def _clock_of(self, connection: AsyncConnection) -> ColumnElement[int] | int:
        """One clock for all processes: the database's, where there is a server."""
        return self._now() if connection.dialect.name == "sqlite" else database_now()
