"""The internal route about the health of sources."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.health.queries import HealthQueries
from services.events.health.schemas import HealthBody, HealthOfSources, health_document


def router(health: HealthQueries, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["control"])

    @routes.post("/sources/health")
    async def read_health(body: HealthBody, workspace: str = Depends(workspace_of)) -> JSONResponse[HealthOfSources]:
        """How each of these sources does; one that sent nothing has sent nothing."""
        found = await health.of_sources(workspace, body.sources, *body.bounds)
        return JSONResponse({"health": [health_document(one) for one in found]})

    return routes
