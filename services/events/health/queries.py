"""Reading how sources do."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from infra.chassis.clock import Clock
from infra.chassis.database import Database, among
from services.events.health.domain import (
    ACCEPTED,
    Health,
    Seen,
    day_of,
    names_that_are_new,
    names_that_vanished,
)
from services.events.tables import source_counts, source_names
from services.events.timeline.domain import Microseconds


class HealthQueries:
    def __init__(self, state: Database, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def of_sources(
        self, workspace: str, keys: Sequence[str], begin: Microseconds | None, end: Microseconds | None
    ) -> list[Health]:
        """How each of these sources does, in their order. What is counted are the days that the half-open period
        touches; the last event and the names are those of now, whatever the period."""
        counts = select(
            source_counts.c.source, source_counts.c.code, func.sum(source_counts.c.events).label("events")
        ).where(source_counts.c.workspace == workspace)
        if begin is not None:
            counts = counts.where(source_counts.c.day >= day_of(begin))
        if end is not None:
            counts = counts.where(source_counts.c.day <= day_of(end - 1))
        last = select(source_counts.c.source, func.max(source_counts.c.last_at)).where(
            source_counts.c.workspace == workspace, source_counts.c.code == ACCEPTED
        )
        table = source_names.c
        seen = select(table.source, table.name, table.first_day, table.last_day, table.days).where(
            table.workspace == workspace
        )
        by_code: dict[str, dict[str, int]] = {key: {} for key in keys}
        names: dict[str, dict[str, Seen]] = {key: {} for key in keys}
        async with self._state.read(snapshot=True) as connection:
            of_these = among(connection, source_counts.c.source, set(keys))
            grouped = counts.where(of_these).group_by(source_counts.c.source, source_counts.c.code)
            for source, code, events in await connection.execute(grouped):
                by_code[source][code] = int(events)
            latest = await connection.execute(last.where(of_these).group_by(source_counts.c.source))
            lasts = {row[0]: row[1] for row in latest}
            for source, name, *days in await connection.execute(seen.where(among(connection, table.source, set(keys)))):
                names[source][name] = Seen(*days)
        return [_health(by_code[key], lasts.get(key), names[key], day_of(self._clock())) for key in keys]


def _health(by_code: dict[str, int], last: Microseconds | None, names: dict[str, Seen], today: int) -> Health:
    return Health(
        last_event_at=last,
        accepted=by_code.get(ACCEPTED, 0),
        rejected={code: events for code, events in sorted(by_code.items()) if code != ACCEPTED},
        new_names=names_that_are_new(names, today),
        vanished_names=names_that_vanished(names, today),
    )
