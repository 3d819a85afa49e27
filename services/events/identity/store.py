"""Identifiers and links in SQL, as the projector reads and writes them in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, chunked, insert_rows
from services.events.identity.domain import Link, Member, Pair, ProfileId
from services.events.tables import identifiers, links

_COLUMNS = ("type", "value", "first_key", "verified_key", "cluster", "customer")
_MEMBER = (identifiers.c.profile, *(identifiers.c[name] for name in _COLUMNS))


async def members_of(
    connection: AsyncConnection, workspace: str, column: ColumnElement[Any], values: Collection[bytes]
) -> dict[ProfileId, Member]:
    """The identifiers whose `column` (profile, cluster or customer) is one of `values`."""
    found: dict[ProfileId, Member] = {}
    for some in chunked(list(values)):
        query = select(*_MEMBER).where(identifiers.c.workspace == workspace, among(connection, column, some))
        for profile, *member in await connection.execute(query):
            found[profile] = Member(*member)
    return found


async def links_of_clusters(
    connection: AsyncConnection, workspace: str, clusters: Collection[ProfileId]
) -> dict[Pair, Link]:
    found: dict[Pair, Link] = {}
    for some in chunked(list(clusters)):
        query = select(links).where(links.c.workspace == workspace, among(connection, links.c.cluster, some))
        for row in await connection.execute(query):
            pair = Pair(row.strong, row.weak, row.verified)
            found[pair] = Link(row.key, row.seq, row.slot, row.refusal)
    return found


async def write_members(
    connection: AsyncConnection, workspace: str, new: Mapping[ProfileId, Member], changed: Mapping[ProfileId, Member]
) -> None:
    rows = [(workspace, profile, *_row_of(member).values()) for profile, member in new.items()]
    await insert_rows(connection, identifiers, ("workspace", "profile", *_COLUMNS), rows)
    if changed:
        statement = (
            update(identifiers)
            .where(identifiers.c.workspace == workspace, identifiers.c.profile == bindparam("_profile"))
            .values({name: bindparam(name) for name in _COLUMNS})
        )
        await connection.execute(
            statement, [{"_profile": profile} | _row_of(member) for profile, member in changed.items()]
        )


async def replace_links(
    connection: AsyncConnection, workspace: str, cluster_of: Mapping[Pair, ProfileId], changed: Mapping[Pair, Link]
) -> None:
    """Writes links that are new or whose first event, cluster or refusal is another one now."""
    if not changed:
        return
    if connection.dialect.name == "postgresql":
        strong, weak, verified = (list(values) for values in zip(*changed, strict=True))
        given = {"workspace": workspace, "strong": strong, "weak": weak, "verified": verified}
        await connection.execute(_DELETE_LINKS, given)
    else:
        where = " AND ".join(f"{name} = ?" for name in ("workspace", *Pair._fields))
        await connection.exec_driver_sql(f"DELETE FROM links WHERE {where}", [(workspace, *pair) for pair in changed])
    rows = [
        (workspace, *pair, link.key, link.seq, link.slot, cluster_of[pair], link.refusal)
        for pair, link in changed.items()
    ]
    columns = ("workspace", "strong", "weak", "verified", "key", "seq", "slot", "cluster", "refusal")
    await insert_rows(connection, links, columns, rows)


# Thousands of pairs in an IN clause take longer to plan than to delete.
_DELETE_LINKS = text(
    "DELETE FROM links USING unnest(CAST(:strong AS bytea[]), CAST(:weak AS bytea[]), CAST(:verified AS boolean[]))"
    " AS given (strong, weak, verified) WHERE links.workspace = :workspace AND links.strong = given.strong"
    " AND links.weak = given.weak AND links.verified = given.verified"
)


def _row_of(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in _COLUMNS}
