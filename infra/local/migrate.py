"""Bringing every database of an installation to the newest revision."""

from __future__ import annotations

from pathlib import Path

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from infra.local.settings import Settings, events_settings, journeys_settings, personas_settings
from services.events.stores import Stores
from services.journeys.app import MIGRATIONS as JOURNEYS
from services.personas.app import MIGRATIONS as PERSONAS


async def migrate_all() -> list[str]:
    """The names of the stores, as they are done."""
    settings = Settings()
    await _migrate(personas_settings(settings).database_url, PERSONAS)
    await _migrate(journeys_settings(settings).database_url, JOURNEYS)
    async with Stores(events_settings(settings)).opened():
        pass
    return ["personas", "journeys", "events log", "events state"]


async def _migrate(url: str, migrations: Path) -> None:
    database = Database(url)
    try:
        await upgrade(database, migrations)
    finally:
        await database.close()
