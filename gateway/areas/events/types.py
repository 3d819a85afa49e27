"""What sources sent in vain, and how far reality is processed."""

from __future__ import annotations

import strawberry

from gateway.areas.sources.types import Source, source_of
from gateway.clients import events as documents
from gateway.context import Info
from gateway.permissions import ReadsPersonalData
from gateway.relay import Node, global_id
from gateway.scalars import DateTime, Duration, Position


@strawberry.type(description="What intake could not accept, as it came.")
class RejectedEvent(Node):
    source_key: strawberry.Private[str | None]
    received_at: DateTime
    code: str
    message: str
    path: list[str] | None
    body: str = strawberry.field(permission_classes=[ReadsPersonalData])

    @strawberry.field
    async def source(self, info: Info) -> Source | None:
        return await source_of(info, self.source_key)


@strawberry.type(description="A journey whose recorded history is being folded for a version that was published.")
class Rebuild:
    journey_key: str
    versions: list[int] = strawberry.field(description="Those that the new schedule has.")
    live: bool = strawberry.field(
        description="Whether it is seen while it grows; else the former one is, until the end."
    )
    folded: int = strawberry.field(description="Customers so far.")
    share: float = strawberry.field(description="From 0 to 1.")


@strawberry.type
class ProjectionStatus:
    position: Position
    logged: int
    projected: int
    lag: int
    oldest_unprojected_age: Duration | None
    rebuilding: bool
    rebuilds: list[Rebuild]
    stuck: int = strawberry.field(description="Customers with events that cannot be folded and are left out.")


def to_rejected_event(document: documents.RejectedEvent) -> RejectedEvent:
    return RejectedEvent(
        id=global_id("RejectedEvent", document.id),
        source_key=document.source,
        received_at=DateTime(document.received_at),
        code=document.code,
        message=document.message,
        path=document.path,
        body=document.body,
    )


def to_projection_status(document: documents.Projection) -> ProjectionStatus:
    age = document.oldest_unprojected_age
    return ProjectionStatus(
        position=Position(document.position or ""),  # nothing logged yet: there is nothing to wait for
        logged=document.logged,
        projected=document.projected,
        lag=document.lag,
        oldest_unprojected_age=None if age is None else Duration(age),
        rebuilding=document.rebuilding,
        rebuilds=[
            Rebuild(journey_key=one.journey, versions=one.versions, live=one.live, folded=one.folded, share=one.share)
            for one in document.rebuilds
        ],
        stuck=document.stuck,
    )
