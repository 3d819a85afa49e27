from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.areas.events.types import ProjectionStatus, RejectedEvent, to_projection_status, to_rejected_event
from gateway.context import Info
from gateway.permissions import ReadsCustomers, resolved
from gateway.relay import CountedConnection, counted_connection, page_size
from gateway.wire import given


@strawberry.type
class EventQueries:
    @resolved(ReadsCustomers, description="Newest first.")
    async def rejected_events(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        source_key: Annotated[str | None, strawberry.argument(name="source")] = strawberry.UNSET,
    ) -> CountedConnection[RejectedEvent]:
        size = page_size(first, 20)
        await info.context.catch_up()
        page = await info.context.events.rejected(size, given(after), given(source_key))
        return counted_connection(page, to_rejected_event)

    @resolved(ReadsCustomers, description="How far reality is processed.")
    async def projection(self, info: Info) -> ProjectionStatus:
        return to_projection_status(await info.context.events.projection())
