"""A log database of each kind, with its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import services.events
from infra.chassis.database import Database
from infra.chassis.migrations import upgrade

MIGRATIONS = Path(services.events.__file__).parent / "migrations" / "log"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await upgrade(opened, MIGRATIONS)
    yield opened
    await opened.close()
