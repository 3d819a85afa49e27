"""What is committed beside the code says the same as the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import MetaData

import services.events
from infra.chassis.database import Database
from infra.chassis.migrations import drift, upgrade
from services.events.app import create_app
from services.events.log_tables import log_metadata
from services.events.settings import Settings
from services.events.stores import LOG_MIGRATIONS, STATE_MIGRATIONS
from services.events.tables import state_metadata

DOCUMENT = Path(services.events.__file__).parent / "openapi.json"


@pytest.mark.parametrize(
    ("folder", "metadata"), [(LOG_MIGRATIONS, log_metadata), (STATE_MIGRATIONS, state_metadata)], ids=["log", "state"]
)
async def test_migrations_make_the_tables_in_code(database_url: str, folder: Path, metadata: MetaData) -> None:
    database = Database(database_url)
    await upgrade(database, folder)
    await upgrade(database, folder)
    assert await drift(database, folder, metadata) == []
    await database.close()


def test_the_openapi_document_is_the_committed_one(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, signing_key="x" * 32))
    current = json.dumps(app.openapi(), indent=2) + "\n"
    written = tmp_path / "openapi.json"
    written.write_text(current)
    assert current == DOCUMENT.read_text(), f"if the change is meant, commit {written}"
