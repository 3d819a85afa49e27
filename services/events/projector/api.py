"""Internal routes about progress: how far reality is processed, what is stuck, waiting until a position is visible."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Depends, Query

from infra.chassis.clock import Clock
from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.intake.position import Place
from services.events.paging import MOST, Page
from services.events.projector.progress import Progress
from services.events.projector.schemas import Projection, StuckDocument, Waited, projection_document, stuck_document
from services.events.schemas import Text


def router(progress: Progress, clock: Clock, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/projection", tags=["projection"])

    @routes.get("")
    async def read_projection(workspace: str = Depends(workspace_of)) -> JSONResponse[Projection]:
        """How far reality is processed."""
        return JSONResponse(projection_document(await progress.status(workspace), clock()))

    @routes.get("/stuck")
    async def read_stuck_events(
        workspace: str = Depends(workspace_of),
        first: Annotated[int, Query(ge=0, le=MOST)] = 20,
        after: Text | None = None,
    ) -> JSONResponse[Page[StuckDocument]]:
        """A page of events that are left out because they cannot be folded."""
        page = await progress.stuck_events(workspace, first, after)
        return JSONResponse(page.of([stuck_document(row) for row in page.items]))

    @routes.post("/wait")
    async def wait_for_projection(
        position: Annotated[str, Body(embed=True)], workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Waited]:
        """Answers when everything up to the position is visible, or after two seconds with `stale`."""
        return JSONResponse({"stale": not await progress.wait(workspace, Place.parse(position))})

    return routes
