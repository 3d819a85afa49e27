"""Publishing what folding has changed, in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.changes import store
from services.events.live.domain.changes import InstanceChange, between, in_order
from services.events.projector import moving
from services.events.projector.telling import Published
from services.events.timeline.domain import Microseconds


async def publish(
    connection: AsyncConnection,
    database: Database,
    workspace: str,
    published: Published,
    more: Sequence[InstanceChange],
    now: Microseconds,
) -> None:
    """What some customers publish, one after the other, and behind it what more there is.

    Of an instance that has come to its customer from another one, only what differs is published.
    """
    come, left = ({one.identity: one for one in some} for some in (published.come, published.left))
    await moving.leave(connection, database, workspace, [one for identity, one in left.items() if identity not in come])
    known = {identity: one.told for identity, one in left.items() if identity in come}
    known |= await moving.known(connection, workspace, [one for identity, one in come.items() if identity not in left])
    passed = [change for identity, one in come.items() for change in between(known.get(identity), one.told)]
    await store.append(connection, workspace, [*published.changes, *in_order(passed), *more], now)
