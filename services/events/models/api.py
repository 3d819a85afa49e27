"""The internal routes by which the services that publish models say that something was published."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.models.pull import ModelPuller
from services.events.models.schemas import Refreshed


def router(journeys: ModelPuller, personas: ModelPuller, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["models"])

    @routes.post("/models/refresh")
    async def refresh(workspace: str = Depends(workspace_of)) -> JSONResponse[Refreshed]:
        """Pulls published journeys now; the newest version of each that is in the log."""
        return JSONResponse({"versions": await journeys.refresh(workspace)})

    @routes.post("/personas/refresh")
    async def refresh_personas(workspace: str = Depends(workspace_of)) -> JSONResponse[Refreshed]:
        """Pulls published personas now; the newest version of each that is in the log."""
        return JSONResponse({"versions": await personas.refresh(workspace)})

    return routes
