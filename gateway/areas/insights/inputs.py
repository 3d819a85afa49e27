from __future__ import annotations

import strawberry

from gateway.areas.periods import PeriodInput
from gateway.clients.events import InsightsOf
from gateway.wire import given


@strawberry.input(description="Selects instances, not steps: by their version, and by what their first step was like.")
class InsightFilter:
    version: int | None = strawberry.UNSET
    channel: str | None = strawberry.UNSET
    device: str | None = strawberry.UNSET
    source: str | None = strawberry.UNSET
    variant: str | None = strawberry.UNSET


def selection_of(period: PeriodInput | None, where: InsightFilter | None) -> InsightsOf:
    return InsightsOf(
        started_from=given(period.from_) if period else None,
        started_before=given(period.to) if period else None,
        version=given(where.version) if where else None,
        channel=given(where.channel) if where else None,
        device=given(where.device) if where else None,
        source=given(where.source) if where else None,
        variant=given(where.variant) if where else None,
    )
