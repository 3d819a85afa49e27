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
    published: Sequence[Published],
    more: Sequence[InstanceChange],
    now: Microseconds,
) -> None:
    """What some customers publish, one after the other, each in the order of its history, and then what more there is.

    Of an instance that has come to its customer from another one, only what differs is published.
    """
    come = {passed.identity: passed for one in published for passed in one.come}
    left = {passed.identity: passed for one in published for passed in one.left}
    await moving.leave(connection, database, workspace, [left[identity] for identity in left.keys() - come.keys()])
    known = {identity: left[identity].told for identity in left.keys() & come.keys()}
    known |= await moving.known(connection, workspace, [come[identity] for identity in come.keys() - left.keys()])
    changes: list[InstanceChange] = []
    for one in published:
        passed = [
            placed for new in one.come for placed in one.told(between(known.get(new.identity), new.told), new.told.last)
        ]
        changes += in_order([*one.placed, *passed])
    await store.append(connection, workspace, [*changes, *more], now)
