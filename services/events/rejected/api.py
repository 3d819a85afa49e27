"""The internal route that lists rejected events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.paging import MOST
from services.events.rejected.queries import RejectedQueries
from services.events.rejected.schemas import rejected_document
from services.events.schemas import Text


def router(rejected: RejectedQueries, workspace_of: WorkspaceOf) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["rejected events"])

    @routes.get("/rejected-events")
    async def read_rejected_events(
        workspace: str = Depends(workspace_of),
        first: Annotated[int, Query(ge=0, le=MOST)] = 20,
        after: Text | None = None,
        source: Text | None = None,
    ) -> JSONResponse:
        """A page of rejected events, newest first."""
        page = await rejected.page(workspace, first, after, source)
        return JSONResponse(page.of([rejected_document(row) for row in page.items]))

    return routes
