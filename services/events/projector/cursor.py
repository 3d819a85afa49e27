"""How far the first stage has read the log of a workspace."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.intake.position import START, Place
from services.events.tables import cursors


async def read(connection: AsyncConnection, workspace: str) -> tuple[Place, int]:
    """The place of the last row, and how many slots lie at or before it."""
    query = select(cursors.c.xid, cursors.c.seq, cursors.c.slots).where(cursors.c.workspace == workspace)
    row = (await connection.execute(query)).first()
    return (Place(row.xid, row.seq), row.slots) if row else (START, 0)


async def move(connection: AsyncConnection, database: Database, workspace: str, place: Place, slots: int) -> None:
    statement = database.upsert(cursors).values(workspace=workspace, xid=place.xid, seq=place.seq, slots=slots)
    changed = {name: statement.excluded[name] for name in ("xid", "seq", "slots")}
    await connection.execute(statement.on_conflict_do_update(index_elements=[cursors.c.workspace], set_=changed))
