"""The internal routes about rejected events."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.paging import MOST, Page
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.rejected.schemas import (
    RejectedBody,
    RejectedDocument,
    RejectedEvents,
    ResubmittedDocument,
    rejected_document,
    resubmitted_document,
)
from services.events.schemas import Text


def router(rejected: RejectedQueries, resubmission: Resubmission, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["rejected events"])

    @routes.get("/rejected-events")
    async def read_rejected_events(
        workspace: str = Depends(workspace_of),
        first: Annotated[int, Query(ge=0, le=MOST)] = 20,
        after: Text | None = None,
        source: Text | None = None,
    ) -> JSONResponse[Page[RejectedDocument]]:
        """A page of rejected events, newest first."""
        page = await rejected.page(workspace, first, after, source)
        return JSONResponse(page.of([rejected_document(row) for row in page.items]))

    @routes.post("/rejected-events/read")
    async def read_rejected_events_by_id(
        body: RejectedBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[RejectedEvents]:
        """The rejected events of these ids; null for an id that nothing has."""
        rows = await rejected.by_ids(workspace, body.ids)
        return JSONResponse({"rejectedEvents": [None if row is None else rejected_document(row) for row in rows]})

    @routes.post("/rejected-events/resubmit")
    async def resubmit_rejected_events(
        body: RejectedBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[ResubmittedDocument]:
        """Sends rejected events through intake again, as of when they were received; one result for each id."""
        return JSONResponse(resubmitted_document(await resubmission.resubmit(workspace, body.ids)))

    return routes
