from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from gateway.areas.insights.types import Insights, to_insights
from gateway.clients.events import InsightsOf, InsightsReading
from gateway.context import Info
from gateway.permissions import ReadsInsights, subscribed
from gateway.streams.news import Told


@strawberry.type
class InsightSubscriptions:
    @subscribed(
        ReadsInsights,
        gives=Insights,
        description="The insights of all its instances whenever they have changed, at most once a second.",
    )
    async def insights_changed(self, info: Info, journey: str) -> AsyncGenerator[list[Told], None]:
        selection = InsightsOf()
        reading = InsightsReading(selection, median_gaps="medianGap" in info.context.fields)
        async with aclosing(info.context.listening.insights(journey, reading)) as found:
            async for some in found:
                yield [Told(to_insights(news.item, journey, selection), news, None) for news in some]
