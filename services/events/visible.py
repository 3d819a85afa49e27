"""Which builds readers look at: one that is still being built, or was replaced, shows nothing of its journey."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select

from services.events.tables import builds


def is_live(workspace: str) -> ColumnElement[bool]:
    """Which rows of tables.builds. Each journey has at most one of them."""
    return and_(builds.c.workspace == workspace, builds.c.state == "LIVE")


def is_visible(workspace: str, build: ColumnElement[int]) -> ColumnElement[bool]:
    """Which rows of a table that names builds in this column."""
    return build.in_(select(builds.c.build).where(is_live(workspace)))
