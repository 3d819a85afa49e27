"""The internal routes about keys and sources."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf, every_workspace
from services.events.control.handlers import KeyRing
from services.events.control.schemas import AuthenticateBody, principal_document, source_document
from services.events.control.store import ControlStore


def router(tokens: ServiceTokens, keys: KeyRing, store: ControlStore, workspace_of: WorkspaceOf) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["control"])

    @routes.post("/authenticate", dependencies=[Depends(every_workspace(tokens))])
    async def authenticate(body: AuthenticateBody) -> JSONResponse:
        """Whose key a credential is and what it may do; 401 for a key nobody made, or that has expired."""
        return JSONResponse(principal_document(await keys.resolve(body.credential)))

    @routes.get("/sources")
    async def sources(workspace: str = Depends(workspace_of)) -> JSONResponse:
        """All sources of the workspace, ordered by key."""
        return JSONResponse({"sources": [source_document(source) for source in await store.sources(workspace)]})

    return routes
