"""The internal route that reads published changes."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from infra.chassis.database import Database
from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.changes import store
from services.events.changes.position import ChangePlace
from services.events.changes.schemas import ChangesBody, ChangesDocument, change_document


def router(state: Database, workspace_of: WorkspaceOf) -> APIRouter:
    routes = APIRouter(prefix="/internal/changes", tags=["changes"])

    @routes.post("/read")
    async def read_changes(body: ChangesBody, workspace: str = Depends(workspace_of)) -> JSONResponse:
        """The next changes of status and phase behind a position, and the position of the last one there is."""
        after = None if body.after is None else ChangePlace.parse(body.after)
        async with state.read(snapshot=True) as connection:
            found = await store.read_after(connection, workspace, after, body.first)
            last = await store.end(connection, workspace)
        documents = [change_document(published) for published in found]
        return JSONResponse(ChangesDocument(documents, None if last is None else last.token()))

    return routes
