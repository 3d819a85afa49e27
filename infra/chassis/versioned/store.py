"""The two tables of versioned documents and every SQL statement on them.

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
    MetaData,
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

from infra.chassis.database import Database
from infra.chassis.versioned.domain import Publication

_KEY = String(64).with_variant(String(64, collation="C"), "postgresql")  # one order of keys on both databases


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
    superseded_from: int | None = None

    @property
    def publication(self) -> Publication:
        return Publication(self.version, self.published_at, self.effective_from)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of a document, without the document."""

    key: str
    version: int
    published_at: int


class DocumentStore:
    """The documents of one service, in tables that begin with its name."""

    def __init__(self, metadata: MetaData, name: str) -> None:
        self.drafts = drafts = _drafts_table(metadata, name)
        self.versions = versions = _versions_table(metadata, name)
        later = versions.alias("later")
        self._superseded_from = (
            select(func.min(later.c.effective_from))
            .where(
                later.c.workspace == versions.c.workspace,
                later.c.key == versions.c.key,
                later.c.version > versions.c.version,
            )
            .scalar_subquery()
        )
        self._draft = (drafts.c.key, drafts.c.revision, drafts.c.document)
        self._version = (
            versions.c.key,
            versions.c.version,
            versions.c.revision,
            versions.c.effective_from,
            versions.c.published_at,
            versions.c.document,
            self._superseded_from.label("superseded_from"),
        )

    async def save_draft(
        self,
        connection: AsyncConnection,
        database: Database,
        workspace: str,
        key: str,
        document: str,
        base_revision: int | None,
    ) -> int | None:
        """Saves a draft in one statement, so that of two editors on one revision one wins; gives its new revision.

        Without `base_revision` it replaces whatever is there; 0 means that nothing may be there. None: it lost.
        """
        drafts = self.drafts
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
            of_base = and_(self._draft_of(workspace, [key]), drafts.c.revision == base_revision)
            updated = drafts.update().where(of_base).values(change)
            result = await connection.execute(updated.returning(drafts.c.revision))
        revision: int | None = result.scalar_one_or_none()
        return revision

    async def add_version(self, connection: AsyncConnection, workspace: str, version: Version) -> bool:
        """Appends a version; False when one of that number is already there."""
        try:
            await connection.execute(
                self.versions.insert().values(
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

    async def read_drafts(self, connection: AsyncConnection, workspace: str, keys: Collection[str]) -> dict[str, Draft]:
        rows = await connection.execute(select(*self._draft).where(self._draft_of(workspace, keys)))
        return {row.key: Draft(*row) for row in rows}

    async def read_versions(
        self,
        connection: AsyncConnection,
        workspace: str,
        numbered: Collection[tuple[str, int]],
        newest_of: Collection[str],
    ) -> list[Version]:
        """The versions `numbered` by key and number, and the newest one of each key in `newest_of`; in no order."""
        versions = self.versions
        wanted = or_(
            tuple_(versions.c.key, versions.c.version).in_(list(numbered)),
            and_(versions.c.key.in_(list(newest_of)), self._superseded_from.is_(None)),
        )
        return await self._read(connection, self._versions_of(workspace).where(wanted))

    async def histories(
        self, connection: AsyncConnection, workspace: str, keys: Collection[str]
    ) -> dict[str, list[Version]]:
        """Every version of each document that has any, newest first."""
        of_keys = self._versions_of(workspace).where(self.versions.c.key.in_(list(keys)))
        found: dict[str, list[Version]] = {}
        for version in await self._read(connection, of_keys.order_by(self.versions.c.version.desc())):
            found.setdefault(version.key, []).append(version)
        return found

    async def published(self, connection: AsyncConnection, workspace: str) -> list[Version]:
        """Every version of every document in the order of publishing."""
        order = (self.versions.c.published_at, self.versions.c.key, self.versions.c.version)
        return await self._read(connection, self._versions_of(workspace).order_by(*order))

    async def heads(self, connection: AsyncConnection, workspace: str) -> list[Head]:
        """The newest versions of a workspace: they change exactly when something is published."""
        versions = self.versions
        rows = await connection.execute(
            select(versions.c.key, func.max(versions.c.version), func.max(versions.c.published_at))
            .where(versions.c.workspace == workspace)
            .group_by(versions.c.key)
        )
        return [Head(*row) for row in rows]

    async def workspaces(self, connection: AsyncConnection) -> list[str]:
        """Those that have something published, in order."""
        column = self.versions.c.workspace
        rows = await connection.execute(select(column).distinct().order_by(column))
        return list(rows.scalars())

    async def page(
        self, connection: AsyncConnection, workspace: str, first: int, after: str, is_published: bool | None
    ) -> tuple[list[Draft | Version], int]:
        """At most `first` documents with keys past `after`, each as its newest version, else as its draft; and how
        many there are in all. `is_published` asks for those with a version, or for those without."""
        drafts = self.drafts
        newest = self._versions_of(workspace).where(self._superseded_from.is_(None)).subquery()
        matching = drafts.c.workspace == workspace
        if is_published is not None:
            matching = and_(matching, newest.c.key.is_not(None) if is_published else newest.c.key.is_(None))
        joined = drafts.outerjoin(newest, newest.c.key == drafts.c.key)
        total = await connection.execute(select(func.count()).select_from(joined).where(matching))
        rows = await connection.execute(
            select(*self._draft, *newest.c)
            .select_from(joined)
            .where(matching, drafts.c.key > after)
            .order_by(drafts.c.key)
            .limit(first)
        )
        found = [self._draft_or_version(tuple(row)) for row in rows]
        return found, total.scalar_one()

    def _draft_of(self, workspace: str, keys: Collection[str]) -> ColumnElement[bool]:
        return and_(self.drafts.c.workspace == workspace, self.drafts.c.key.in_(list(keys)))

    def _versions_of(self, workspace: str) -> Select[Any]:
        return select(*self._version).where(self.versions.c.workspace == workspace)

    def _draft_or_version(self, row: tuple[Any, ...]) -> Draft | Version:
        draft, version = row[: len(self._draft)], row[len(self._draft) :]
        return Draft(*draft) if version[0] is None else Version(*version)

    async def _read(self, connection: AsyncConnection, query: Select[Any]) -> list[Version]:
        return [Version(*row) for row in await connection.execute(query)]


def _drafts_table(metadata: MetaData, name: str) -> Table:
    return Table(
        f"{name}_drafts",
        metadata,
        Column("workspace", _KEY, primary_key=True),
        Column("key", _KEY, primary_key=True),
        Column("revision", Integer, nullable=False),
        Column("document", Text, nullable=False),
    )


def _versions_table(metadata: MetaData, name: str) -> Table:
    return Table(
        f"{name}_versions",
        metadata,
        Column("workspace", _KEY, primary_key=True),
        Column("key", _KEY, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("revision", Integer, nullable=False),
        Column("effective_from", BigInteger, nullable=False),
        Column("published_at", BigInteger, nullable=False),
        Column("document", Text, nullable=False),
    )
