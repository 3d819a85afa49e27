"""Insights as other services see them, and how they ask for them."""

from __future__ import annotations

from typing import Annotated, TypedDict

import msgspec
from pydantic import Field

from infra.chassis.clock import from_datetime
from infra.chassis.durations import format_duration
from infra.chassis.errors import Flaw, Invalid
from services.events.insights.domain import Insights, Selection
from services.events.live.filter import DropOffReason, Period
from services.events.paging import MOST
from services.events.schemas import Body, Cursor, First, Ids, Text


class InsightFilter(Body):
    """By the version of the instances, and by what their first step was like."""

    version: Annotated[int, Field(strict=True, ge=1, lt=1 << 31)] | None = None
    persona: Text | None = None
    channel: Text | None = None
    device: Text | None = None
    source: Text | None = None
    variant: Text | None = None


class _Selecting(Body):
    period: Period | None = None
    where: InsightFilter | None = None

    @property
    def selection(self) -> Selection:
        """Raises Invalid (UNSUPPORTED_FILTER) for a filter by persona: instances know none yet."""
        period, where = self.period or Period(), self.where or InsightFilter()
        if where.persona is not None:
            flaw = Flaw("UNSUPPORTED_FILTER", "Insights cannot be filtered by persona yet.", ("where", "persona"))
            raise Invalid(flaw.message, code=flaw.code, errors=[flaw])
        return Selection(
            started_from=None if period.from_ is None else from_datetime(period.from_),
            started_before=None if period.to is None else from_datetime(period.to),
            version=where.version,
            channel=where.channel,
            device=where.device,
            source=where.source,
            variant=where.variant,
        )


class InsightsBody(_Selecting):
    journeys: Ids
    median_gaps: bool = False
    """Whether to tell the median gaps of the flow, which cost more to read the more varied they are."""


class WayToDropOff(Body):
    journey: Text
    phase: Text
    reason: DropOffReason
    device: Text | None = None


class DropOffsBody(_Selecting):
    drop_offs: Annotated[list[WayToDropOff], Field(max_length=MOST)]
    first: First = 20
    after: Cursor = None


class StatusCountDocument(msgspec.Struct):
    status: str
    count: int


class FunnelStepDocument(msgspec.Struct):
    phase: str
    reached: int
    continued: int
    dropped: int


class FlowEdgeDocument(msgspec.Struct, rename="camel"):
    from_: str = msgspec.field(name="from")
    to: str
    count: int
    median_gap: str | None


class FlowDocument(msgspec.Struct):
    edges: list[FlowEdgeDocument]


class HopDocument(msgspec.Struct):
    from_: str = msgspec.field(name="from")
    to: str
    count: int


class DropOffCountDocument(msgspec.Struct):
    phase: str
    reason: str
    device: str | None
    count: int


class InsightsDocument(msgspec.Struct, rename="camel"):
    answered_by: str
    instances: int
    by_status: list[StatusCountDocument]
    funnel: list[FunnelStepDocument]
    flow: FlowDocument
    hops: dict[str, list[HopDocument]]
    drop_offs: list[DropOffCountDocument]


def insights_document(answered_by: str, found: Insights) -> InsightsDocument:
    return InsightsDocument(
        answered_by=answered_by,
        instances=found.instances,
        by_status=[StatusCountDocument(one.status, one.count) for one in found.by_status],
        funnel=[FunnelStepDocument(one.phase, one.reached, one.continued, one.dropped) for one in found.funnel],
        flow=FlowDocument(
            [FlowEdgeDocument(one.from_, one.to, one.count, _duration(one.median_gap)) for one in found.flow]
        ),
        hops={
            dimension: [HopDocument(one.from_, one.to, one.count) for one in hops]
            for dimension, hops in found.hops.items()
        },
        drop_offs=[DropOffCountDocument(one.phase, one.reason, one.device, one.count) for one in found.drop_offs],
    )


def _duration(microseconds: int | None) -> str | None:
    return None if microseconds is None else format_duration(microseconds)


class InsightsOfJourneys(TypedDict):
    insights: list[InsightsDocument | None]
