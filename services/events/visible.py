"""Which builds readers look at: one that is still being built, or was replaced, shows nothing of its journey."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, any_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.tables import builds


def is_live(workspace: str) -> ColumnElement[bool]:
    """Which rows of tables.builds. Each journey has at most one of them."""
    return and_(builds.c.workspace == workspace, builds.c.state == "LIVE")


def is_visible(
    connection: AsyncConnection, workspace: str, build: ColumnElement[int], journey: str | None = None
) -> ColumnElement[bool]:
    """Which rows of a table that names builds in this column; with a journey those of its build alone.

    The builds are read once, as values to look up: PostgreSQL would make a join of a plain IN, and leave the index.
    """
    live = select(builds.c.build).where(is_live(workspace))
    if journey is not None:
        live = live.where(builds.c.journey == journey)
    if connection.dialect.name == "postgresql":
        return build == any_(func.array(live.scalar_subquery()))
    return build.in_(live)
