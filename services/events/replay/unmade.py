"""Keeping the ids of instances that the draft does not make, without holding anybody up for it.

To compare all instances takes seconds, so that happens before the switch. At the switch only ids count that were given
out since, and whatever was given out was published: there are as many to look up as instances that changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, func, select, text, tuple_

from infra.chassis.database import Database, among
from infra.chassis.errors import BadRequest
from services.events.changes import store
from services.events.changes.position import ChangePlace
from services.events.models import builds
from services.events.replay.keeping import unmade_instances
from services.events.replay.level import places
from services.events.tables import former_instances, instance_changes, instances

_ROWS = 10_000
_NAMES = tuple(former_instances.columns.keys())


class Kept(NamedTuple):
    """That all ids are kept which had been given out by some moment."""

    ends: Mapping[str, ChangePlace | None]
    """By workspace, the end of what was published then."""
    live: frozenset[tuple[str, int]]
    """The builds that readers saw then, in the state in use,"""
    draft: frozenset[tuple[str, int]]
    """and in the draft."""


class Unmade:
    """On PostgreSQL. The draft is a schema beside the tables in use."""

    def __init__(self, state: Database, draft: Database) -> None:
        self._state = state
        self._draft = draft

    async def keep(self, workspaces: Iterable[str], schema: str) -> Kept:
        """Takes as long as it takes. Read first and written in portions: the log cannot be read past a long writer."""
        workspaces = list(workspaces)
        async with self._state.read() as connection:
            ends = {workspace: await store.end(connection, workspace) for workspace in workspaces}
        kept = Kept(ends, await _seen(self._state, workspaces), await _seen(self._draft, workspaces))
        async with self._draft.read() as connection:
            await connection.execute(text("SET LOCAL cursor_tuple_fraction = 1"))  # all rows are wanted
            found = await connection.stream(text(unmade_instances(schema)))
            async for rows in found.partitions(_ROWS):
                await self._write(rows)
        return kept

    async def is_all_but_published(self, kept: Kept) -> bool:
        """Whether all ids that were given out since were published.

        Filling a build publishes nothing, nor does putting another one in its place, and a workspace that is new was
        not looked at: then keep all of them again.
        """
        if not kept.ends.keys() >= (await places(self._state)).keys():
            return False
        return (await _seen(self._state, kept.ends), await _seen(self._draft, kept.ends)) == (kept.live, kept.draft)

    async def keep_published(self, kept: Kept) -> bool:
        """Keeps the ids that were given out since, while nobody gives out more.

        False: not all of them can be read now, because some transaction still runs or they were deleted.
        """
        for workspace, end in kept.ends.items():
            given_out = await self._given_out_since(workspace, end)
            if given_out is None:
                return False
            await self._write(await self._unmade(workspace, given_out))
        return True

    async def _given_out_since(self, workspace: str, end: ChangePlace | None) -> set[bytes] | None:
        """Every instance of which something was published, and perhaps others; None if that cannot be said now."""
        later: list[ColumnElement[bool]] = [instance_changes.c.workspace == workspace]
        if end is not None:
            later.append(tuple_(instance_changes.c.xid, instance_changes.c.seq) > end[:2])
        async with self._state.read(snapshot=True) as connection:
            count = await connection.scalar(select(func.sum(instance_changes.c.changes)).where(*later)) or 0
            if not count:
                return set()
            try:
                changes = await store.read_after(connection, workspace, end, int(count))
            except BadRequest:  # what was read then is deleted by now
                return None
        return {one.change.instance for one in changes} if len(changes) == count else None

    async def _unmade(self, workspace: str, given_out: set[bytes]) -> list[Row[tuple[object, ...]]]:
        """Those of these ids that the draft has not made, as rows of `former_instances`."""
        async with self._draft.read() as connection:
            made = select(instances.c.instance).where(
                instances.c.workspace == workspace, among(connection, instances.c.instance, given_out)
            )
            missing = given_out - set((await connection.execute(made)).scalars())
        async with self._state.read() as connection:
            queries = (
                select(*(table.c[name] for name in _NAMES)).where(
                    table.c.workspace == workspace, among(connection, table.c.instance, missing)
                )
                for table in (instances, former_instances)
            )
            return [row for query in queries for row in await connection.execute(query)]

    async def _write(self, rows: Iterable[Row[tuple[object, ...]]]) -> None:
        written = [dict(zip(_NAMES, row, strict=True)) for row in rows]
        if written:
            async with self._draft.write() as connection:
                insert = self._draft.upsert(former_instances).on_conflict_do_nothing()
                await connection.execute(insert, written)


async def _seen(state: Database, workspaces: Iterable[str]) -> frozenset[tuple[str, int]]:
    """The builds that readers see, by workspace."""
    async with state.read() as connection:
        active = [(workspace, await builds.active(connection, workspace)) for workspace in workspaces]
    return frozenset((workspace, build.number) for workspace, found in active for build in found if build.live)
