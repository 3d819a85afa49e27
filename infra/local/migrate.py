"""Bringing every database of an installation to the newest revision."""

from __future__ import annotations

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from infra.local.settings import Settings, events_settings, journeys_settings
from services.events.stores import Stores
from services.journeys.app import MIGRATIONS


async def migrate_all() -> list[str]:
    """The names of the stores, as they are done."""
    settings = Settings()
    journeys, events = journeys_settings(settings), events_settings(settings)
    database = Database(journeys.database_url)
    try:
        await upgrade(database, MIGRATIONS)
    finally:
        await database.close()
    async with Stores(events).opened():
        pass
    return ["journeys", "events log", "events state"]
