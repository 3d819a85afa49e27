"""Internal routes about progress: how far reality is processed, what is stuck, waiting until a position is visible."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query

from infra.chassis.clock import Clock, to_rfc3339
from infra.chassis.durations import format_duration
from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.intake.position import Place
from services.events.models.builds import Rebuild
from services.events.paging import MOST
from services.events.projector.progress import Progress, Stuck
from services.events.schemas import Text


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
                "rebuilds": [_rebuild_document(rebuild) for rebuild in status.rebuilds],
                "stuck": status.stuck,
            }
        )

    @routes.get("/stuck")
    async def read_stuck_events(
        workspace: str = Depends(workspace_of),
        first: Annotated[int, Query(ge=0, le=MOST)] = 20,
        after: Text | None = None,
    ) -> JSONResponse:
        """A page of events that are left out because they cannot be folded."""
        page = await progress.stuck_events(workspace, first, after)
        return JSONResponse(page.of([_stuck_document(row) for row in page.items]))

    @routes.post("/wait")
    async def wait_for_projection(
        position: Annotated[str, Body(embed=True)], workspace: str = Depends(workspace_of)
    ) -> JSONResponse:
        """Answers when everything up to the position is visible, or after two seconds with `stale`."""
        return JSONResponse({"stale": not await progress.wait(workspace, Place.parse(position))})

    return routes


def _rebuild_document(rebuild: Rebuild) -> dict[str, Any]:
    return {
        "journey": rebuild.build.journey,
        "versions": rebuild.build.versions,
        "live": rebuild.build.live,
        "folded": rebuild.folded,
        "customers": rebuild.customers,
        "share": round(rebuild.share, 4),
    }


def _stuck_document(row: Stuck) -> dict[str, Any]:
    return {
        "customer": row.customer.hex(),
        "event": row.event or None,
        "error": row.error,
        "since": to_rfc3339(row.since),
    }
