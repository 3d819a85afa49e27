"""The internal routes. Each is opened by a service token, which also names the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from infra.chassis.access import ServiceAccess
from infra.chassis.clock import Clock
from infra.chassis.http import JSONResponse
from infra.chassis.versioned.domain import Status
from infra.chassis.versioned.handlers import Documents
from infra.chassis.versioned.notices import ChangeNotice
from infra.chassis.versioned.shapes import After, ReadRequest, VersionsRequest, Workspaces
from infra.chassis.versioned.store import Draft, Version
from services.personas import handlers, schemas


@dataclass(frozen=True, slots=True)
class Resources:
    """What the routes work with while the app runs."""

    personas: Documents
    notice: ChangeNotice
    clock: Clock


def resources(request: Request) -> Resources:
    opened: Resources = request.app.state.resources
    return opened


access = ServiceAccess("personas")
Opened = Annotated[Resources, Depends(resources)]
Workspace = Annotated[str, Depends(access.one_workspace)]
router = APIRouter(prefix="/internal", dependencies=[Depends(access.service)], redirect_slashes=False)


@router.put("/personas/{key}/draft", response_model=schemas.SavedPersona)
async def save_draft(opened: Opened, workspace: Workspace, key: str, persona: schemas.PersonaInput) -> Response:
    draft = await handlers.save_draft(opened.personas, workspace, key, persona)
    return JSONResponse({"persona": schemas.as_document(draft)})


@router.post("/personas/{key}/publish", response_model=schemas.PublishedVersion)
async def publish(opened: Opened, workspace: Workspace, key: str) -> Response:
    version, pending = await handlers.publish(opened.personas, opened.notice, opened.clock, workspace, key)
    return JSONResponse({"persona": schemas.as_document(version), "pending": pending})


@router.post("/personas/read", response_model=schemas.PersonasRead)
async def read(opened: Opened, workspace: Workspace, request: ReadRequest) -> Response:
    found = await opened.personas.read(workspace, request.items)
    return JSONResponse({"personas": [None if one is None else schemas.as_document(one) for one in found]})


@router.post("/personas/versions", response_model=schemas.PersonaVersions)
async def versions(opened: Opened, workspace: Workspace, request: VersionsRequest) -> Response:
    found = await opened.personas.histories(workspace, request.keys)
    return JSONResponse({"versions": [_documents(one) for one in found]})


@router.get("/personas", response_model=schemas.PersonasPage)
async def page(
    opened: Opened,
    workspace: Workspace,
    first: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[After, Query()] = "",
    status: Status | None = None,
) -> Response:
    found = await opened.personas.page(workspace, first, after, status)
    return JSONResponse({"items": _documents(found.items), "hasNextPage": found.has_next, "totalCount": found.total})


@router.get("/published", response_model=schemas.Personas, responses={304: {"description": "Nothing was published"}})
async def published(opened: Opened, workspace: Workspace, if_none_match: Annotated[str, Header()] = "") -> Response:
    tag, found = await opened.personas.published(workspace, if_none_match)
    headers = {"ETag": f'"{tag}"'}
    if found is None:
        return Response(status_code=304, headers=headers)
    return JSONResponse({"personas": _documents(found)}, headers=headers)


@router.get("/workspaces-published", response_model=Workspaces, dependencies=[Depends(access.all_workspaces)])
async def workspaces_published(opened: Opened) -> Response:
    return JSONResponse({"workspaces": await opened.personas.workspaces_published()})


def _documents(stored: Sequence[Draft | Version]) -> list[dict[str, Any]]:
    return [schemas.as_document(one) for one in stored]
