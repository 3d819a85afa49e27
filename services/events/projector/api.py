"""Internal routes about progress: where the log ends, and waiting until a position is visible."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from infra.chassis.clock import Clock
from infra.chassis.durations import format_duration
from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.intake.position import Place
from services.events.projector.progress import Progress


def router(progress: Progress, clock: Clock, workspace_of: WorkspaceOf) -> APIRouter:
    routes = APIRouter(prefix="/internal/projection", tags=["projection"])

    @routes.get("")
    async def read_projection(workspace: str = Depends(workspace_of)) -> JSONResponse:
        """How far reality is processed."""
        status = await progress.status(workspace)
        age = None if status.oldest_logged_at is None else max(clock() - status.oldest_logged_at, 0)
        return JSONResponse(
            {
                "position": status.position.token(),
                "logged": status.logged,
                "projected": status.logged - status.lag,
                "lag": status.lag,
                "oldestUnprojectedAge": None if age is None else format_duration(age),
                "rebuilding": status.rebuilding,
                "stuck": status.stuck,
            }
        )

    @routes.post("/wait")
    async def wait_for_projection(
        position: Annotated[str, Body(embed=True)], workspace: str = Depends(workspace_of)
    ) -> JSONResponse:
        """Answers when everything up to the position is visible, or after two seconds with `stale`."""
        return JSONResponse({"stale": not await progress.wait(workspace, Place.parse(position))})

    return routes
