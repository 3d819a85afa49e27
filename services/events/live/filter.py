"""Which instances a caller wants: the InstanceFilter of the GraphQL contract, and what it asks of a row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from infra.chassis.clock import from_datetime
from infra.chassis.errors import Flaw, Invalid
from services.events.live.domain import Status
from services.events.live.queries import Condition
from services.events.schemas import Body, Text
from services.events.tables import instances

DropOffReason = Literal[
    "EXTRA_COST",
    "PAYMENT_OPTIONS",
    "DELIVERY_TIME",
    "PAUSED",
    "NEW_CIRCUMSTANCES",
    "UNCLEAR_INFORMATION",
    "OTHER",
    "UNKNOWN",
]


class Period(Body):
    """Half-open: from `from`, until just before `to`; without a bound it is open."""

    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    to: AwareDatetime | None = None


class InstanceFilter(Body):
    journey: Text | None = None
    version: Annotated[int, Field(strict=True, ge=1, lt=1 << 31)] | None = None
    status: list[Status] | None = None
    phase: Text | None = None
    key: Text | None = None
    persona: Text | None = None
    started_in: Period | None = None
    ended_in: Period | None = None
    drop_off_reason: DropOffReason | None = None


def conditions(where: InstanceFilter) -> list[Condition]:
    """What a row must meet. Raises Invalid (UNSUPPORTED_FILTER) for a filter by persona: instances know none yet."""
    if where.persona is not None:
        flaw = Flaw("UNSUPPORTED_FILTER", "Instances cannot be filtered by persona yet.", ("where", "persona"))
        raise Invalid(flaw.message, code=flaw.code, errors=[flaw])
    columns = instances.c
    equal = {
        columns.journey: where.journey,
        columns.version: where.version,
        columns.phase: where.phase,
        columns.key: where.key,
        columns.drop_reason: where.drop_off_reason,
    }
    met: list[Condition] = [column == value for column, value in equal.items() if value is not None]
    if where.status is not None:
        met.append(columns.status.in_(where.status))
    for column, period in ((columns.started_at, where.started_in), (columns.ended_at, where.ended_in)):
        if period is not None and period.from_ is not None:
            met.append(column >= from_datetime(period.from_))
        if period is not None and period.to is not None:
            met.append(column < from_datetime(period.to))
    return met
