"""Whose events are, and on which journeys they were steps: for many events at once, read from the log.

Joins are outer ones, so that SQLite looks up what is asked: for about a hundred events it would rather read the
timelines of the whole workspace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import and_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import fitting, given
from services.events.identity.domain import ProfileId, profile_id
from services.events.tables import builds, identifiers, steps, timeline
from services.events.timeline.entry import Entry
from services.events.visible import is_live


class _Step(NamedTuple):
    seq: int
    slot: int
    journey: str


async def owners_of(
    connection: AsyncConnection, workspace: str, secret: bytes, entries: Sequence[Entry]
) -> dict[str, ProfileId]:
    """The customers of events, by the ids of these. A duplicate has none: in the timeline stands the first one.

    Nor has one that could not be taken in."""
    keys = {(profile_id(secret, *entry.recorded.identifiers[0]), entry.key) for entry in entries if entry.has_place}
    customers: dict[str, ProfileId] = {}
    for some in fitting(list(keys), 2):
        asked = given(connection, "asked", {"profile": timeline.c.profile, "key": timeline.c.key}, some)
        stands = and_(
            timeline.c.workspace == workspace,
            timeline.c.profile == asked.c.profile,
            timeline.c.key == asked.c.key,
        )
        owner = and_(identifiers.c.workspace == workspace, identifiers.c.profile == asked.c.profile)
        joined = asked.outerjoin(timeline, stands).outerjoin(identifiers, owner)
        query = select(timeline.c.seq, timeline.c.slot, identifiers.c.customer).select_from(joined)
        found = await connection.execute(query)
        customers |= {f"{row.seq}-{row.slot}": row.customer for row in found if row.customer is not None}
    ids = {entry.id for entry in entries}
    return {id: customer for id, customer in customers.items() if id in ids}


async def journeys_of(
    connection: AsyncConnection, workspace: str, entries: Sequence[Entry], owners: Mapping[str, ProfileId]
) -> dict[str, list[str]]:
    """By the ids of events, of which the owners are known, the journeys in which they are steps."""
    found: dict[str, list[str]] = {}
    for some in fitting([(owners[entry.id], entry.key) for entry in entries], 2):
        for row in await _steps(connection, workspace, some):
            found.setdefault(f"{row.seq}-{row.slot}", []).append(row.journey)
    return found


async def _steps(
    connection: AsyncConnection, workspace: str, places: Sequence[tuple[ProfileId, bytes]]
) -> Sequence[_Step]:
    asked = given(connection, "asked", {"customer": steps.c.customer, "key": steps.c.key}, places)
    live = select(builds.c.build, builds.c.journey).where(is_live(workspace)).cte("live")
    made = and_(
        steps.c.workspace == workspace,
        steps.c.customer == asked.c.customer,
        steps.c.build == live.c.build,
        steps.c.key == asked.c.key,
    )
    query = (
        select(steps.c.seq, steps.c.slot, live.c.journey)
        .select_from(asked.outerjoin(live, literal(True)).outerjoin(steps, made))
        .order_by(live.c.journey)
    )
    return [_Step(*row) for row in await connection.execute(query) if row.seq is not None]
