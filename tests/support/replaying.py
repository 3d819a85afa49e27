"""A replay of what a Reality has projected, as the command would do it."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from services.events.replay import Stage, replay
from services.events.settings import Settings
from tests.support.reality import Reality


def settings_of(reality: Reality) -> Settings:
    """As a process on these databases would be told."""
    url = reality.state.url
    embedded = reality.state.is_sqlite
    return Settings(
        data=Path(str(url.database)).parent if embedded else Path("unused"),
        events_database_url=None if embedded else url.render_as_string(hide_password=False).replace("+asyncpg", ""),
        signing_key=SecretStr("x" * 32),
    )


async def replayed(reality: Reality) -> int:
    """How many entries of the log were replayed. The projector is another one afterwards, as after a stop."""
    await reality.projector.close()
    await reality.state.close()
    replayed = await replay(settings_of(reality), unwatched, lambda: reality.now)
    await reality.restart()
    return replayed


def unwatched(_stage: Stage, _done: int, _of: int) -> None:
    """Nobody looks."""
