"""Internal routes about progress: where the log ends, and waiting until a position is visible."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from starlette.responses import Response

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock
from infra.chassis.durations import format_duration
from infra.chassis.http import JSONResponse
from services.events.access import workspace_of
from services.events.intake.position import Place
from services.events.projector.progress import Progress


def router(tokens: ServiceTokens, progress: Progress, clock: Clock) -> APIRouter:
    """Every route asks for a service token."""
    routes = APIRouter(prefix="/internal/projection", tags=["projection"])
    workspace_dependency = Depends(workspace_of(tokens))

    @routes.get("")
    async def status(workspace: Annotated[str, workspace_dependency]) -> Response:
        """How far reality is processed."""
        now = await progress.status(workspace)
        age = None if now.oldest_logged_at is None else max(clock() - now.oldest_logged_at, 0)
        document: dict[str, Any] = {
            "position": now.position.token(),
            "logged": now.logged,
            "projected": now.logged - now.lag,
            "lag": now.lag,
            "oldestUnprojectedAge": None if age is None else format_duration(age),
            "rebuilding": now.rebuilding,
        }
        return JSONResponse(document)

    @routes.post("/wait")
    async def wait(
        workspace: Annotated[str, workspace_dependency], position: Annotated[str, Body(embed=True)]
    ) -> Response:
        """Answers when everything up to the position is visible, or after two seconds with `stale`."""
        return JSONResponse({"stale": not await progress.wait(workspace, Place.parse(position))})

    return routes
