"""The two stores of the service, brought up to date and opened together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events.settings import Settings

LOG_MIGRATIONS = Path(__file__).parent / "migrations" / "log"
STATE_MIGRATIONS = Path(__file__).parent / "migrations" / "state"


class Stores:
    """Nothing is connected before `opened`."""

    def __init__(self, settings: Settings) -> None:
        self.log = Database(settings.log_database_url)
        # A power cut may take the last commits of the state with it: it is made again from the log.
        remedy = "delete it; the next start makes it again from the log"
        self.state = Database(settings.state_database_url, durable=False, remedy=remedy)

    @property
    def parts(self) -> dict[str, Database]:
        """By the names that operators are told."""
        return {"events log": self.log, "events state": self.state}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Migrates both; closes them at the end."""
        try:
            await upgrade(self.log, LOG_MIGRATIONS)
            await upgrade(self.state, STATE_MIGRATIONS)
            yield
        finally:
            await self.log.close()
            await self.state.close()
