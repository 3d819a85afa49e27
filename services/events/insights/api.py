"""The internal routes that read insights."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.insights.handlers import InsightReads
from services.events.insights.queries import InsightQueries
from services.events.insights.schemas import DropOffsBody, InsightsBody, InsightsOfJourneys
from services.events.live.queries import InstanceQueries
from services.events.live.schemas import InstancePages
from services.events.models.queries import Models


def router(
    insights: InsightQueries, instances: InstanceQueries, models: Models, workspace_of: WorkspaceOf
) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/insights", tags=["insights"])
    reads = InsightReads(insights, instances, models)

    @routes.post("/read")
    async def read_insights(
        body: InsightsBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InsightsOfJourneys]:
        """Sums over the instances of each journey that a filter lets pass; null for one that was never published."""
        return JSONResponse({"insights": await reads.read(workspace, body)})

    @routes.post("/drop-offs")
    async def read_drop_offs(body: DropOffsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[InstancePages]:
        """A page of the instances behind each drop-off of the insights of the same filter, newest start first."""
        return JSONResponse({"pages": await reads.drop_offs(workspace, body)})

    return routes
