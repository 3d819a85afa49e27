"""Reading what is known of one identifier and of those that it is linked with, and where their events stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among
from services.events.disclosure.domain import vouched_for
from services.events.identity.domain import Link, Member, Pair, ProfileId
from services.events.identity.store import links_of_clusters, members_of
from services.events.intake.position import START, Place
from services.events.tables import cursors, identifiers, stuck, timeline


class Placed(NamedTuple):
    """An event's place in the log: a row, and the slot in it."""

    seq: int
    slot: int


class Found(NamedTuple):
    """All of one moment."""

    read_to: Place
    """How far the log had been read into what else is here."""
    members: Mapping[ProfileId, Member]
    """Who trusted senders say is the same; nobody if no event names them."""
    links: Mapping[Pair, Link]
    """Between these, drawn by trusted senders."""
    newest: Sequence[Placed]
    """The events that stand under any of the members, newest first."""
    left_out: frozenset[str]
    """The ids of events that cannot be folded."""


class DisclosureQueries:
    """Reads the identities and timelines of all workspaces."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def find(self, workspace: str, known: ProfileId, most: int) -> Found:
        """What there is about `known`, with at most so many events."""
        async with self._state.read(snapshot=True) as connection:
            read_to = await _read_to(connection, workspace)
            cluster = await members_of(connection, workspace, identifiers.c.profile, [known])
            if not cluster:
                return Found(read_to, {}, {}, [], frozenset())
            named = {cluster[known].cluster}
            cluster = await members_of(connection, workspace, identifiers.c.cluster, named)
            links = await links_of_clusters(connection, workspace, named)
            drawn = {pair: link for pair, link in links.items() if pair.verified}
            members = vouched_for(known, cluster, drawn)
            return Found(
                read_to,
                members,
                {pair: link for pair, link in drawn.items() if pair.strong in members and pair.weak in members},
                await _newest(connection, workspace, members, most),
                await _left_out(connection, workspace, members.values()),
            )


async def _read_to(connection: AsyncConnection, workspace: str) -> Place:
    query = select(cursors.c.xid, cursors.c.seq).where(cursors.c.workspace == workspace)
    row = (await connection.execute(query)).first()
    return Place(row.xid, row.seq) if row else START


async def _newest(
    connection: AsyncConnection, workspace: str, profiles: Collection[ProfileId], most: int
) -> list[Placed]:
    query = (
        select(timeline.c.seq, timeline.c.slot)
        .where(timeline.c.workspace == workspace, among(connection, timeline.c.profile, profiles))
        .order_by(timeline.c.key.desc())
        .limit(most)
    )
    return [Placed(*row) for row in await connection.execute(query)]


async def _left_out(connection: AsyncConnection, workspace: str, members: Collection[Member]) -> frozenset[str]:
    customers = {member.customer for member in members}
    query = select(stuck.c.event).where(stuck.c.workspace == workspace, among(connection, stuck.c.customer, customers))
    return frozenset((await connection.execute(query)).scalars())
