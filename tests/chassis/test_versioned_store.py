"""Writers that really meet: each on a connection of its own, all begun before the first has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from infra.chassis.versioned.store import Version
from services.journeys.app import MIGRATIONS
from services.journeys.store import journeys as store

WRITERS = 8


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=WRITERS)
    await upgrade(database, MIGRATIONS)
    yield database
    await database.close()


@pytest.mark.parametrize("base", [0, 1, None])
async def test_editors_at_once(database: Database, base: int | None) -> None:
    barrier = asyncio.Barrier(WRITERS)

    async def save(key: str, editor: int) -> int | None:
        async with database.read() as connection:  # so that no writer waits for its connection to be made
            await store.read_drafts(connection, "default", [key])
            await barrier.wait()
        async with database.write() as connection:
            return await store.save_draft(connection, database, "default", key, f"editor {editor}", base)

    for round_ in range(5):
        key = f"round-{round_}"
        if base:
            async with database.write() as connection:
                assert await store.save_draft(connection, database, "default", key, "the first", 0) == 1
        revisions = await asyncio.gather(*(save(key, editor) for editor in range(WRITERS)))
        async with database.read() as connection:
            draft = (await store.read_drafts(connection, "default", [key]))[key]
        assert draft.document == f"editor {revisions.index(draft.revision)}"
        if base is None:
            assert sorted(revision or 0 for revision in revisions) == list(range(1, WRITERS + 1))
            assert draft.revision == WRITERS
        else:
            assert [revision for revision in revisions if revision is not None] == [base + 1]


async def test_publishers_at_once(database: Database) -> None:
    barrier = asyncio.Barrier(WRITERS)

    async def publish(publisher: int) -> bool:
        version = Version("order", 1, 1, 0, 0, f"publisher {publisher}", None)
        async with database.read() as connection:
            await store.heads(connection, "default")
            await barrier.wait()
        async with database.write() as connection:
            return await store.add_version(connection, "default", version)

    won = await asyncio.gather(*(publish(publisher) for publisher in range(WRITERS)))
    async with database.read() as connection:
        [version] = await store.published(connection, "default")
    assert [publisher for publisher, added in enumerate(won) if added] == [int(version.document.split()[1])]
