"""The internal route by which journeys says that something was published."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.models.pull import ModelPuller


def router(puller: ModelPuller, workspace_of: WorkspaceOf) -> APIRouter:
    routes = APIRouter(prefix="/internal/models", tags=["models"])

    @routes.post("/refresh")
    async def refresh(workspace: str = Depends(workspace_of)) -> JSONResponse:
        """Pulls published models now; the newest version of each journey that is in the log."""
        return JSONResponse({"versions": await puller.refresh(workspace)})

    return routes
