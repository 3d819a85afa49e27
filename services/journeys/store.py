"""The tables of this service and every SQL statement on them.

A version is inserted once and never changed: what retires it and when it ends follows from the later ones.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    String,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, new_metadata

_KEY = String(64).with_variant(String(64, collation="C"), "postgresql")  # one order of keys on both databases

metadata = new_metadata()
drafts = Table(
    "journeys_drafts",
    metadata,
    Column("workspace", _KEY, primary_key=True),
    Column("key", _KEY, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
)
versions = Table(
    "journeys_versions",
    metadata,
    Column("workspace", _KEY, primary_key=True),
    Column("key", _KEY, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("effective_from", BigInteger, nullable=False),
    Column("published_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

_later = versions.alias("later")
_superseded_from = (
    select(func.min(_later.c.effective_from))
    .where(
        _later.c.workspace == versions.c.workspace,
        _later.c.key == versions.c.key,
        _later.c.version > versions.c.version,
    )
    .scalar_subquery()
)
_DRAFT = (drafts.c.key, drafts.c.revision, drafts.c.document)
_VERSION = (
    versions.c.key,
    versions.c.version,
    versions.c.revision,
    versions.c.effective_from,
    versions.c.published_at,
    versions.c.document,
    _superseded_from.label("superseded_from"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    key: str
    revision: int
    document: str


@dataclass(frozen=True, slots=True)
class Version:
    """`superseded_from` is the earliest `effective_from` of the later versions; None for the last one."""

    key: str
    version: int
    revision: int
    effective_from: int
    published_at: int
    document: str
    superseded_from: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of a journey, without its document."""

    key: str
    version: int
    published_at: int


async def save_draft(
    connection: AsyncConnection, database: Database, workspace: str, key: str, document: str, base_revision: int | None
) -> int | None:
    """Saves a draft in one statement, so that of two editors on one revision one wins; gives its new revision.

    Without `base_revision` it replaces whatever is there; 0 means that nothing may be there. None: it lost.
    """
    insert = database.upsert(drafts).values(workspace=workspace, key=key, revision=1, document=document)
    identity = [drafts.c.workspace, drafts.c.key]
    change = {"revision": drafts.c.revision + 1, "document": document}
    if base_revision is None:
        upsert = insert.on_conflict_do_update(index_elements=identity, set_=change)
        result = await connection.execute(upsert.returning(drafts.c.revision))
    elif base_revision == 0:
        untouched = insert.on_conflict_do_nothing(index_elements=identity)
        result = await connection.execute(untouched.returning(drafts.c.revision))
    else:
        of_base = and_(_draft_of(workspace, [key]), drafts.c.revision == base_revision)
        result = await connection.execute(drafts.update().where(of_base).values(change).returning(drafts.c.revision))
    revision: int | None = result.scalar_one_or_none()
    return revision


async def add_version(connection: AsyncConnection, workspace: str, version: Version) -> bool:
    """Appends a version; False when one of that number is already there."""
    try:
        await connection.execute(
            versions.insert().values(
                workspace=workspace,
                key=version.key,
                version=version.version,
                revision=version.revision,
                effective_from=version.effective_from,
                published_at=version.published_at,
                document=version.document,
            )
        )
    except IntegrityError:
        return False
    return True


async def read_drafts(connection: AsyncConnection, workspace: str, keys: Collection[str]) -> dict[str, Draft]:
    rows = await connection.execute(select(*_DRAFT).where(_draft_of(workspace, keys)))
    return {row.key: Draft(*row) for row in rows}


async def read_versions(
    connection: AsyncConnection, workspace: str, numbered: Collection[tuple[str, int]], newest_of: Collection[str]
) -> list[Version]:
    """The versions `numbered` by key and number, and the newest one of each key in `newest_of`; in no order."""
    wanted = or_(
        tuple_(versions.c.key, versions.c.version).in_(list(numbered)),
        and_(versions.c.key.in_(list(newest_of)), _superseded_from.is_(None)),
    )
    return await _versions(connection, select(*_VERSION).where(versions.c.workspace == workspace, wanted))


async def history(connection: AsyncConnection, workspace: str, key: str) -> list[Version]:
    """Every version of one journey, newest first."""
    of_key = select(*_VERSION).where(versions.c.workspace == workspace, versions.c.key == key)
    return await _versions(connection, of_key.order_by(versions.c.version.desc()))


async def published(connection: AsyncConnection, workspace: str) -> list[Version]:
    """Every version of every journey in the order of publishing."""
    of_workspace = select(*_VERSION).where(versions.c.workspace == workspace)
    return await _versions(
        connection, of_workspace.order_by(versions.c.published_at, versions.c.key, versions.c.version)
    )


async def heads(connection: AsyncConnection, workspace: str) -> list[Head]:
    """The newest versions of a workspace: they change exactly when something is published."""
    rows = await connection.execute(
        select(versions.c.key, func.max(versions.c.version), func.max(versions.c.published_at))
        .where(versions.c.workspace == workspace)
        .group_by(versions.c.key)
    )
    return [Head(*row) for row in rows]


async def workspaces(connection: AsyncConnection) -> list[str]:
    rows = await connection.execute(select(versions.c.workspace).distinct().order_by(versions.c.workspace))
    return list(rows.scalars())


async def page(
    connection: AsyncConnection, workspace: str, first: int, after: str, is_published: bool | None
) -> tuple[list[Draft | Version], int]:
    """At most `first` journeys with keys past `after`, each as its newest version, else as its draft; and how many
    there are in all. `is_published` asks for those with a version, or for those without."""
    newest = select(*_VERSION).where(versions.c.workspace == workspace, _superseded_from.is_(None)).subquery()
    matching = drafts.c.workspace == workspace
    if is_published is not None:
        matching = and_(matching, newest.c.key.is_not(None) if is_published else newest.c.key.is_(None))
    joined = drafts.outerjoin(newest, newest.c.key == drafts.c.key)
    total = await connection.execute(select(func.count()).select_from(joined).where(matching))
    rows = await connection.execute(
        select(*_DRAFT, *newest.c)
        .select_from(joined)
        .where(matching, drafts.c.key > after)
        .order_by(drafts.c.key)
        .limit(first)
    )
    found = [_draft_or_version(tuple(row)) for row in rows]
    return found, total.scalar_one()


def _draft_of(workspace: str, keys: Collection[str]) -> ColumnElement[bool]:
    return and_(drafts.c.workspace == workspace, drafts.c.key.in_(list(keys)))


def _draft_or_version(row: tuple[Any, ...]) -> Draft | Version:
    draft, version = row[: len(_DRAFT)], row[len(_DRAFT) :]
    return Draft(*draft) if version[0] is None else Version(*version)


async def _versions(connection: AsyncConnection, query: Select[Any]) -> list[Version]:
    return [Version(*row) for row in await connection.execute(query)]
