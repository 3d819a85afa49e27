"""What is committed beside the code says the same as the code."""

from __future__ import annotations

import json
from pathlib import Path

from infra.chassis.database import Database
from infra.chassis.migrations import drift, upgrade
from services.personas import store
from services.personas.app import MIGRATIONS
from tests.personas.conftest import House

SERVICE = MIGRATIONS.parent


async def test_migrations_make_the_tables_of_the_store(database_url: str) -> None:
    database = Database(database_url)
    await upgrade(database, MIGRATIONS)
    await upgrade(database, MIGRATIONS)
    assert await drift(database, MIGRATIONS, store.metadata) == []
    await database.close()


def test_the_openapi_document_is_the_committed_one(sqlite_url: str, tmp_path: Path) -> None:
    current = json.dumps(House(sqlite_url).app.openapi(), indent=2) + "\n"
    written = tmp_path / "openapi.json"
    written.write_text(current)
    assert current == (SERVICE / "openapi.json").read_text(), f"if the change is meant, commit {written}"
