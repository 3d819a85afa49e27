"""What the instances of a journey add up to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
import strawberry

from gateway.clients import events as documents
from gateway.clients.events import DropOffKey, DropOffsOf, InsightsOf
from gateway.context import Info
from gateway.permissions import ReadsCustomers, resolved
from gateway.relay import CountedConnection, counted_connection, page_size
from gateway.scalars import Duration
from gateway.vocabulary import DropOffReason, HopDimension, InstanceStatus
from gateway.wire import given
from infra.chassis.errors import NotFound

if TYPE_CHECKING:
    from gateway.areas.customers.types import JourneyInstance


@strawberry.type
class StatusCount:
    status: InstanceStatus
    count: int


@strawberry.type(description="In numbers of instances, each by the order of phases that its own version believes in.")
class FunnelStep:
    phase: str
    reached: int = strawberry.field(description="That phase or a later one.")
    continued: int = strawberry.field(description="Of those, reached a later one too: of the last phase none.")
    dropped: int = strawberry.field(description="Of those that came no further, the ones with a drop-off.")


@strawberry.type(
    description="Consecutive steps of an instance by touchpoint, off-map steps left out. "
    "START comes before the first, END: and the status after the last."
)
class FlowEdge:
    from_: str = strawberry.field(name="from")
    to: str
    count: int
    median_gap: Duration | None = strawberry.field(
        description="Median of the time between the two, at most 2 % off; null at START and END."
    )


@strawberry.type
class Flow:
    edges: list[FlowEdge]


@strawberry.type(description="Consecutive known values of an instance's steps that differ.")
class Hop:
    from_: str = strawberry.field(name="from")
    to: str
    count: int


@strawberry.type(description="One way to drop off, and how many did.")
class DropOffInsight:
    journey: strawberry.Private[str]
    selection: strawberry.Private[InsightsOf]
    phase: str
    reason: DropOffReason
    device: str | None = strawberry.field(description="Of the first step; null when it is not known.")
    count: int

    @resolved(ReadsCustomers, description="The instances behind the count, newest start first.")
    async def instances(
        self, info: Info, first: int | None = 20, after: str | None = strawberry.UNSET
    ) -> CountedConnection[Annotated[JourneyInstance, strawberry.lazy("gateway.areas.customers.types")]]:
        # Instances lead to journeys, and journeys to insights.
        from gateway.areas.customers.types import to_instance  # noqa: PLC0415

        loaders = info.context.loaders
        page = DropOffsOf(self.selection, page_size(first, 20), given(after))
        key = DropOffKey(self.journey, self.phase, self.reason.value, self.device)
        found = await loaders.instances_by_drop_off(page).load(key)
        if found is None:
            raise NotFound("Nobody drops off like this any more.")
        return counted_connection(found, partial(to_instance, loaders=loaders.as_of(None)))


@strawberry.type(description="Sums over instances. Lists without an order of their own begin with the most frequent.")
class Insights:
    document: strawberry.Private[documents.Insights]
    answered_by: str = strawberry.field(
        description="`counters`, or `instances` for filters that no counters are kept for: several dimensions at once, "
        "or a period that is not of whole days in UTC."
    )
    instances: int
    by_status: list[StatusCount] = strawberry.field(description="Those that occur.")
    funnel: list[FunnelStep] = strawberry.field(
        description="In the order of the newest version; phases that only older versions have come last."
    )
    flow: Flow
    drop_offs: list[DropOffInsight]

    @resolved(description="Off-map steps included; steps that do not know the value are skipped over.")
    def hops(self, by: HopDimension) -> list[Hop]:
        return [msgspec.convert(hop, Hop, from_attributes=True) for hop in self.document.hops.get(by.value.lower(), ())]


def to_insights(document: documents.Insights, journey: str, selection: InsightsOf) -> Insights:
    return Insights(
        document=document,
        answered_by=document.answered_by,
        instances=document.instances,
        by_status=[msgspec.convert(one, StatusCount, from_attributes=True) for one in document.by_status],
        funnel=[msgspec.convert(one, FunnelStep, from_attributes=True) for one in document.funnel],
        flow=msgspec.convert(document.flow, Flow, from_attributes=True),
        drop_offs=[
            DropOffInsight(
                journey=journey,
                selection=selection,
                phase=one.phase,
                reason=one.reason,
                device=one.device,
                count=one.count,
            )
            for one in document.drop_offs
        ],
    )
