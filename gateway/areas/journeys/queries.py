from __future__ import annotations

import strawberry

from gateway.areas.journeys.types import Journey, JourneyTemplate, to_journey, to_template
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.permissions import ReadsModels, resolved
from gateway.relay import CountedConnection, counted_connection, page_size
from gateway.vocabulary import Language, ModelStatus
from gateway.wire import given


@strawberry.type
class JourneyQueries:
    @resolved(ReadsModels, description="Maps to begin with. Keys and rules are the same in every language.")
    async def journey_templates(self, info: Info, language: Language | None = Language.EN) -> list[JourneyTemplate]:
        return [to_template(one) for one in await info.context.journeys.templates(language or Language.EN)]

    @resolved(
        ReadsModels,
        description="By key; each as its published version, else as its draft, and `status` asks about that.",
    )
    async def journeys(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        status: ModelStatus | None = strawberry.UNSET,
    ) -> CountedConnection[Journey]:
        page = await info.context.journeys.page(page_size(first, 20), given(after), given(status))
        return counted_connection(page, to_journey)

    @resolved(ReadsModels, description="Without a version the published one, else the draft.")
    async def journey(
        self, info: Info, key: str, version: int | None = strawberry.UNSET, draft: bool | None = False
    ) -> Journey | None:
        wanted = ModelKey(key, given(version), bool(draft))
        document = await info.context.loaders.journey_by_key.load(wanted)
        return to_journey(document) if document else None
