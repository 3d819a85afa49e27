from __future__ import annotations

import strawberry

from gateway.areas.journeys.types import Journey, to_journey
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.permissions import ReadsModels, resolved
from gateway.wire import given


@strawberry.type
class JourneyQueries:
    @resolved(ReadsModels, description="Without a version the published one, else the draft.")
    async def journey(
        self, info: Info, key: str, version: int | None = strawberry.UNSET, draft: bool | None = False
    ) -> Journey | None:
        wanted = ModelKey(key, given(version), bool(draft))
        document = await info.context.loaders.journey_by_key.load(wanted)
        return to_journey(document) if document else None
