"""What every service with versioned documents can be asked for; one unit of work each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from infra.chassis.database import Database
from infra.chassis.errors import Conflict, Flaw, Invalid
from infra.chassis.versioned.domain import Publication, Status, is_key
from infra.chassis.versioned.shapes import ReadItem
from infra.chassis.versioned.store import DocumentStore, Draft, Head, Version


def require_key(named: str, key: str) -> None:
    """Raises Invalid (KEY_MISMATCH) unless the key in a document is the one in its address."""
    if named != key:
        flaw = Flaw("KEY_MISMATCH", f"The document says its key is {named!r}, the address says {key!r}.", ("key",))
        raise Invalid(flaw.message, code=flaw.code, errors=[flaw])


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Draft | Version]
    has_next: bool
    total: int


@dataclass(frozen=True, slots=True)
class Documents:
    """The versioned documents of a service, in its database."""

    database: Database
    store: DocumentStore

    async def save(self, workspace: str, key: str, document: str, base_revision: int | None) -> Draft:
        """Replaces the draft as a whole. Raises Conflict when it is not at the revision the editor began from."""
        async with self.database.write() as connection:
            revision = await self.store.save_draft(connection, self.database, workspace, key, document, base_revision)
        if revision is None:
            raise Conflict(
                f"The draft is not at revision {base_revision} any more; read it again and redo your changes."
            )
        return Draft(key, revision, document)

    async def draft_and_newest(self, workspace: str, key: str) -> tuple[Draft | None, Version | None]:
        """What there is to publish, and the version published last."""
        if not is_key(key):
            return None, None
        async with self.database.read() as connection:
            drafts = await self.store.read_drafts(connection, workspace, [key])
            versions = await self.store.read_versions(connection, workspace, (), [key])
        return drafts.get(key), next(iter(versions), None)

    async def publish(self, workspace: str, draft: Draft, coming: Publication) -> Version:
        """The version that `draft` becomes. Raises Conflict when somebody published one of its number meanwhile."""
        version = Version(
            key=draft.key,
            version=coming.version,
            revision=draft.revision,
            effective_from=coming.effective_from,
            published_at=coming.published_at,
            document=draft.document,
        )
        async with self.database.write() as connection:
            if not await self.store.add_version(connection, workspace, version):
                raise Conflict(
                    f"Somebody else published version {version.version} meanwhile; read it and publish again."
                )
        return version

    async def read(self, workspace: str, items: Sequence[ReadItem]) -> list[Draft | Version | None]:
        """The drafts and versions asked for, in that order; None where there is none."""
        possible = [item for item in items if is_key(item.key)]
        numbered = {(item.key, item.version) for item in possible if item.version is not None and not item.draft}
        newest_of = {item.key for item in possible if item.version is None and not item.draft}
        drafts_of = newest_of | {item.key for item in possible if item.draft}
        async with self.database.read() as connection:
            drafts = await self.store.read_drafts(connection, workspace, drafts_of)
            versions = await self.store.read_versions(connection, workspace, numbered, newest_of)
        by_number = {(version.key, version.version): version for version in versions}
        newest = {version.key: version for version in versions if version.superseded_from is None}

        def find(item: ReadItem) -> Draft | Version | None:
            if item.draft:
                return drafts.get(item.key)
            if item.version is not None:
                return by_number.get((item.key, item.version))
            return newest.get(item.key) or drafts.get(item.key)

        return [find(item) for item in items]

    async def histories(self, workspace: str, keys: Sequence[str]) -> list[list[Draft | Version]]:
        """For each key the draft and then every version, newest first; empty for one that is not known."""
        possible = {key for key in keys if is_key(key)}
        async with self.database.read() as connection:
            drafts = await self.store.read_drafts(connection, workspace, possible)
            versions = await self.store.histories(connection, workspace, possible)
        return [[*([drafts[key]] if key in drafts else []), *versions.get(key, ())] for key in keys]

    async def page(self, workspace: str, first: int, after: str, status: Status | None) -> Page:
        """Documents by key, each as its published version, else as its draft, and `status` asks about that.

        RETIRED therefore finds none: versions retire, documents do not.
        """
        if status is Status.RETIRED:
            return Page((), has_next=False, total=0)
        is_published = None if status is None else status is Status.PUBLISHED
        async with self.database.read() as connection:
            found, total = await self.store.page(connection, workspace, first + 1, after, is_published)
        return Page(found[:first], len(found) > first, total)

    async def published(self, workspace: str, if_none_match: str) -> tuple[str, Sequence[Version] | None]:
        """Every version of the workspace with the tag of that state; None instead of them when the tag is among those
        of the header If-None-Match."""
        known = {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",") if tag.strip()}
        async with self.database.read() as connection:
            if known:
                tag = _tag(await self.store.heads(connection, workspace))
                if tag in known:
                    return tag, None
            versions = await self.store.published(connection, workspace)
        newest = (Head(one.key, one.version, one.published_at) for one in versions if one.superseded_from is None)
        return _tag(newest), versions

    async def workspaces_published(self) -> list[str]:
        async with self.database.read() as connection:
            return await self.store.workspaces(connection)


def _tag(heads: Iterable[Head]) -> str:
    """Versions are only ever added, so the newest one of each document tells all of them apart."""
    state = sorted((head.key, head.version, head.published_at) for head in heads)
    return hashlib.blake2b(msgspec.json.encode(state), digest_size=16).hexdigest()
