"""The health of sources as other services see it."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from infra.chassis.clock import from_datetime, to_rfc3339
from services.events.health.domain import Health
from services.events.live.filter import Period
from services.events.schemas import Body, Ids
from services.events.timeline.domain import Microseconds


class HealthBody(Body):
    sources: Ids
    period: Period | None = None

    @property
    def bounds(self) -> tuple[Microseconds | None, Microseconds | None]:
        period = self.period or Period()
        begin = None if period.from_ is None else from_datetime(period.from_)
        return begin, None if period.to is None else from_datetime(period.to)


class RejectedCountDocument(msgspec.Struct):
    code: str
    count: int


class HealthDocument(msgspec.Struct, rename="camel"):
    last_event_at: str | None
    accepted: int
    rejected: list[RejectedCountDocument]
    new_names: list[str]
    vanished_names: list[str]


class HealthOfSources(TypedDict):
    health: list[HealthDocument]


def health_document(health: Health) -> HealthDocument:
    return HealthDocument(
        last_event_at=None if health.last_event_at is None else to_rfc3339(health.last_event_at),
        accepted=health.accepted,
        rejected=[RejectedCountDocument(code, count) for code, count in health.rejected.items()],
        new_names=health.new_names,
        vanished_names=health.vanished_names,
    )
