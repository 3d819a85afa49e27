"""Periods, as several areas take them."""

from __future__ import annotations

import strawberry

from gateway.scalars import DateTime


@strawberry.input(name="PeriodInput", description="Half-open: from `from`, up to `to`; omitted means everything.")
class PeriodInput:
    from_: DateTime | None = strawberry.field(name="from", default=strawberry.UNSET)
    to: DateTime | None = strawberry.UNSET
