"""What can be asked of this service; one unit of work each."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Conflict, Flaw, Invalid, NotFound
from services.journeys import domain, store
from services.journeys.clients import Events
from services.journeys.schemas import JourneyInput, JourneyModel, ReadItem
from services.journeys.store import Draft, Head, Version


async def save_draft(
    database: Database, workspace: str, key: str, journey: JourneyInput
) -> tuple[Draft, Sequence[Flaw]]:
    """Replaces the draft as a whole; gives it back with warnings.

    Raises Invalid with every flaw, or Conflict when it is no longer at the revision the editor began from.
    """
    if journey.key != key:
        flaw = Flaw("KEY_MISMATCH", f"The journey says its key is {journey.key!r}, the address says {key!r}.", ("key",))
        raise Invalid(flaw.message, code=flaw.code, errors=[flaw])
    judgement = await asyncio.to_thread(domain.judge, journey.judged())
    judgement.insist()
    document = journey.document()
    async with database.write() as connection:
        revision = await store.save_draft(connection, database, workspace, key, document, journey.base_revision)
    if revision is None:
        raise Conflict(
            f"The draft is not at revision {journey.base_revision} any more; read it again and redo your changes."
        )
    return Draft(key, revision, document), judgement.warnings


async def publish(
    database: Database, events: Events, clock: Clock, workspace: str, key: str, requested: int | None
) -> tuple[Version, bool]:
    """Makes the next version of the draft, in force from now or from the earlier moment `requested` (microseconds).

    It is committed before events hears of it, and events fetches it on its own if it does not hear: a version is never
    lost. Also tells whether it is still pending there. Raises NotFound without a draft, Invalid for one that cannot be
    published, Unavailable when events cannot be asked about open runs, Conflict when somebody published meanwhile.
    """
    draft, last = await _draft_and_last(database, workspace, key)
    if draft is None:
        raise NotFound(f"There is no draft of a journey {key!r}; save one first.")
    journey = JourneyModel.model_validate_json(draft.document)
    await asyncio.to_thread(domain.require_publishable, journey.judged())
    decision = domain.publication(journey.instance_key, last, requested, clock())
    if decision.strands_open_runs:
        domain.require_no_open_runs(await events.open_runs(workspace, key, journey.instance_key))
    version = Version(
        key=key,
        version=decision.version,
        revision=draft.revision,
        effective_from=decision.effective_from,
        published_at=decision.published_at,
        document=draft.document,
        superseded_from=None,
    )
    async with database.write() as connection:
        if not await store.add_version(connection, workspace, version):
            raise Conflict(f"Somebody else published version {version.version} meanwhile; read it and publish again.")
    acknowledged = await events.refresh(workspace)
    return version, acknowledged.get(key, 0) < version.version


async def read(database: Database, workspace: str, items: Sequence[ReadItem]) -> list[Draft | Version | None]:
    """The drafts and versions asked for, in that order; None where there is none."""
    possible = [item for item in items if domain.is_key(item.key)]
    numbered = {(item.key, item.version) for item in possible if item.version is not None and not item.draft}
    newest_of = {item.key for item in possible if item.version is None and not item.draft}
    drafts_of = newest_of | {item.key for item in possible if item.draft}
    async with database.read() as connection:
        drafts = await store.read_drafts(connection, workspace, drafts_of)
        versions = await store.read_versions(connection, workspace, numbered, newest_of)
    by_number = {(version.key, version.version): version for version in versions}
    newest = {version.key: version for version in versions if version.superseded_from is None}

    def find(item: ReadItem) -> Draft | Version | None:
        if item.draft:
            return drafts.get(item.key)
        if item.version is not None:
            return by_number.get((item.key, item.version))
        return newest.get(item.key) or drafts.get(item.key)

    return [find(item) for item in items]


async def history(database: Database, workspace: str, key: str) -> list[Draft | Version]:
    """The draft and then every version, newest first; empty for an unknown journey."""
    if not domain.is_key(key):
        return []
    async with database.read() as connection:
        drafts = await store.read_drafts(connection, workspace, [key])
        versions = await store.history(connection, workspace, key)
    return [*drafts.values(), *versions]


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Draft | Version]
    has_next: bool
    total: int


async def page(database: Database, workspace: str, first: int, after: str, status: domain.ModelStatus | None) -> Page:
    """Journeys by key, each as its published version, else as its draft, and `status` asks about that.

    RETIRED therefore finds none: versions retire, journeys do not.
    """
    if status is domain.ModelStatus.RETIRED:
        return Page((), has_next=False, total=0)
    is_published = None if status is None else status is domain.ModelStatus.PUBLISHED
    async with database.read() as connection:
        found, total = await store.page(connection, workspace, first + 1, after, is_published)
    return Page(found[:first], len(found) > first, total)


async def published(database: Database, workspace: str, known: Collection[str]) -> tuple[str, Sequence[Version] | None]:
    """Every version of the workspace with the tag of that state; None instead of them when the tag is among `known`."""
    async with database.read() as connection:
        if known:
            tag = _tag(await store.heads(connection, workspace))
            if tag in known:
                return tag, None
        versions = await store.published(connection, workspace)
    newest = (Head(one.key, one.version, one.published_at) for one in versions if one.superseded_from is None)
    return _tag(newest), versions


async def workspaces_published(database: Database) -> list[str]:
    async with database.read() as connection:
        return await store.workspaces(connection)


async def _draft_and_last(database: Database, workspace: str, key: str) -> tuple[Draft | None, domain.Published | None]:
    if not domain.is_key(key):
        return None, None
    async with database.read() as connection:
        draft = (await store.read_drafts(connection, workspace, [key])).get(key)
        versions = await store.read_versions(connection, workspace, (), [key])
    if not versions:
        return draft, None
    [newest] = versions
    instance_key = msgspec.json.decode(newest.document)["instanceKey"]
    return draft, domain.Published(newest.version, newest.published_at, instance_key)


def _tag(heads: Iterable[Head]) -> str:
    """Versions are only ever added, so the newest one of each journey tells all of them apart."""
    state = sorted((head.key, head.version, head.published_at) for head in heads)
    return hashlib.blake2b(msgspec.json.encode(state), digest_size=16).hexdigest()
