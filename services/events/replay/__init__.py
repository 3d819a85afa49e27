"""Making every projection again from the log, beside the ones that are in use."""

from __future__ import annotations

from infra.chassis.clock import Clock, system_clock
from services.events.replay.embedded import replay_embedded
from services.events.replay.server import replay_on_server
from services.events.replay.watching import Stage, Watch
from services.events.settings import Settings

__all__ = ["Stage", "Watch", "replay"]


async def replay(settings: Settings, watch: Watch, clock: Clock = system_clock) -> int:
    """Replaces every projection by what the log says; how many of its entries were replayed.

    Readers see the former state until they see the new one. If this is interrupted, nothing has changed.
    Raises FolderUnusable (embedded, while `klantreis up` runs), Conflict (another replay runs), Unavailable.
    """
    embedded = settings.state_database_url.startswith("sqlite")
    return await (replay_embedded if embedded else replay_on_server)(settings, clock, watch)
