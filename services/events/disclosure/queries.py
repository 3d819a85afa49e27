"""Reading what is known of one identifier and of those that it is linked with, and where their events stand."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from infra.chassis.database import Database, among
from services.events.disclosure.domain import Vouched, vouched_for
from services.events.identity.domain import Member, ProfileId
from services.events.identity.store import links_of_clusters, members_of
from services.events.tables import identifiers, stuck, timeline


class Placed(NamedTuple):
    """An event's place in the log."""

    seq: int
    slot: int


class DisclosureQueries:
    """Reads the identities and timelines of all workspaces."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def vouched_for(self, workspace: str, known: ProfileId) -> Vouched | None:
        """Who trusted senders say is the same as `known`; None if no event names them."""
        async with self._state.read() as connection:
            found = await members_of(connection, workspace, identifiers.c.profile, [known])
            if not found:
                return None
            cluster = {found[known].cluster}
            members = await members_of(connection, workspace, identifiers.c.cluster, cluster)
            return vouched_for(known, members, await links_of_clusters(connection, workspace, cluster))

    async def newest(self, workspace: str, profiles: Collection[ProfileId], most: int) -> list[Placed]:
        """The events that stand under any of these profiles, newest first."""
        columns = (timeline.c.seq, timeline.c.slot)
        async with self._state.read() as connection:
            query = (
                select(*columns)
                .where(timeline.c.workspace == workspace, among(connection, timeline.c.profile, profiles))
                .order_by(timeline.c.key.desc())
                .limit(most)
            )
            return [Placed(*row) for row in await connection.execute(query)]

    async def left_out(self, workspace: str, members: Collection[Member]) -> frozenset[str]:
        """The ids of events that cannot be folded."""
        customers = {member.customer for member in members}
        async with self._state.read() as connection:
            query = select(stuck.c.event).where(
                stuck.c.workspace == workspace, among(connection, stuck.c.customer, customers)
            )
            return frozenset((await connection.execute(query)).scalars())
