"""Progress as other services see it."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from infra.chassis.clock import to_rfc3339
from infra.chassis.durations import format_duration
from services.events.models.builds import Rebuild
from services.events.projector.progress import Status, Stuck


class RebuildDocument(msgspec.Struct):
    journey: str
    versions: list[int]
    live: bool
    folded: int
    customers: int | None
    share: float


class Projection(msgspec.Struct, rename="camel"):
    position: str | None
    logged: int
    projected: int
    lag: int
    oldest_unprojected_age: str | None
    rebuilding: bool
    rebuilds: list[RebuildDocument]
    stuck: int


class StuckDocument(msgspec.Struct):
    customer: str
    event: str | None
    error: str
    since: str


class Waited(TypedDict):
    stale: bool


def projection_document(status: Status, now: int) -> Projection:
    age = None if status.oldest_logged_at is None else max(now - status.oldest_logged_at, 0)
    return Projection(
        position=status.position.token(),
        logged=status.logged,
        projected=status.logged - status.lag,
        lag=status.lag,
        oldest_unprojected_age=None if age is None else format_duration(age),
        rebuilding=status.rebuilding,
        rebuilds=[_rebuild_document(rebuild) for rebuild in status.rebuilds],
        stuck=status.stuck,
    )


def stuck_document(row: Stuck) -> StuckDocument:
    return StuckDocument(row.customer.hex(), row.event or None, row.error, to_rfc3339(row.since))


def _rebuild_document(rebuild: Rebuild) -> RebuildDocument:
    return RebuildDocument(
        journey=rebuild.build.journey,
        versions=list(rebuild.build.versions),
        live=rebuild.build.live,
        folded=rebuild.folded,
        customers=rebuild.customers,
        share=round(rebuild.share, 4),
    )
