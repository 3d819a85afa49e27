"""The internal routes about sources and their keys."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.control.handlers import Sources
from services.events.control.schemas import (
    RevokeBody,
    RotateBody,
    RotatedDocument,
    SavedDocument,
    SourceBody,
    SourceDocument,
    SourcesDocument,
    rotated_document,
    saved_document,
    source_document,
)
from services.events.control.store import ControlStore


def router(store: ControlStore, sources: Sources, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["control"])

    @routes.get("/sources")
    async def read_sources(workspace: str = Depends(workspace_of)) -> JSONResponse[SourcesDocument]:
        """All sources of the workspace with their active keys, ordered by key."""
        keys = await sources.active_keys(workspace)
        return JSONResponse({"sources": [source_document(source, keys) for source in await store.sources(workspace)]})

    @routes.put("/sources")
    async def save_source(body: SourceBody, workspace: str = Depends(workspace_of)) -> JSONResponse[SavedDocument]:
        """Makes a source, and tells its first key this once; or replaces all that the one of this key is."""
        saved = await sources.save(body.source(workspace))
        return JSONResponse(saved_document(saved, await sources.active_keys(workspace)))

    @routes.post("/sources/rotate-key")
    async def rotate_key(body: RotateBody, workspace: str = Depends(workspace_of)) -> JSONResponse[RotatedDocument]:
        """A new key like the active one, which lives on for a day, on behalf of who has `scopes`."""
        return JSONResponse(rotated_document(await sources.rotate(workspace, body.source, body.scopes)))

    @routes.post("/sources/revoke-key")
    async def revoke_key(body: RevokeBody, workspace: str = Depends(workspace_of)) -> JSONResponse[SourceDocument]:
        """Ends a key, within five seconds everywhere; its source."""
        source = await sources.revoke(workspace, body.id)
        return JSONResponse(source_document(source, await sources.active_keys(workspace)))

    return routes
