"""What each internal call about insights answers."""

from __future__ import annotations

from dataclasses import dataclass

from services.events.insights.domain import meaning
from services.events.insights.queries import InsightQueries, conditions_of
from services.events.insights.schemas import DropOffsBody, InsightsBody, InsightsDocument, insights_document
from services.events.live.queries import DropOffKey, InstanceQueries
from services.events.live.schemas import InstanceDocument, instance_document
from services.events.models.queries import Models
from services.events.paging import Page


@dataclass(frozen=True, slots=True)
class InsightReads:
    """Answers in the order asked."""

    insights: InsightQueries
    instances: InstanceQueries
    models: Models

    async def read(self, workspace: str, body: InsightsBody) -> list[InsightsDocument | None]:
        """None for a journey that was never published."""
        found = await self.insights.read(workspace, set(body.journeys), body.selection, with_gaps=body.median_gaps)
        documents = {
            journey: insights_document(answer.answered_by, meaning(answer.sums, answer.phases))
            for journey, answer in found.items()
        }
        return [documents.get(journey) for journey in body.journeys]

    async def drop_offs(self, workspace: str, body: DropOffsBody) -> list[Page[InstanceDocument]]:
        """The instances behind each drop-off: as many as the insights of the same selection have counted."""
        keys = [DropOffKey(one.journey, one.phase, one.reason, one.device) for one in body.drop_offs]
        conditions = conditions_of({key.journey for key in keys}, body.selection)
        pages = await self.instances.of_drop_offs(workspace, set(keys), conditions, body.first, body.after)
        journeys = await self.models.journeys(workspace)
        shown = {key: page.of([instance_document(row, journeys) for row in page.items]) for key, page in pages.items()}
        return [shown[key] for key in keys]
