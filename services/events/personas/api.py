"""The internal route that tells who customers are."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.personas.handlers import PersonaReads
from services.events.personas.schemas import Assigned, PersonasOfCustomersBody


def router(reads: PersonaReads, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/personas", tags=["personas"])

    @routes.post("/of-customers")
    async def read_personas_of_customers(
        body: PersonasOfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Assigned]:
        """The persona of each customer now; null for one whom no published persona means, or who is not known."""
        return JSONResponse({"assignments": await reads.of_customers(workspace, body)})

    return routes
