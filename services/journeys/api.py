"""The internal routes. Each is opened by a service token, which also names the workspace."""

from __future__ import annotations

import asyncio
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
from infra.chassis.versioned.shapes import After, ReadRequest, VersionsRequest, Workspaces, as_document, microseconds
from infra.chassis.versioned.store import Draft, Version
from services.journeys import handlers, schemas
from services.journeys.clients import Events
from services.journeys.templates import Language, templates


@dataclass(frozen=True, slots=True)
class Resources:
    """What the routes work with while the app runs."""

    journeys: Documents
    events: Events
    notice: ChangeNotice
    clock: Clock


def resources(request: Request) -> Resources:
    opened: Resources = request.app.state.resources
    return opened


access = ServiceAccess("journeys")
Opened = Annotated[Resources, Depends(resources)]
Workspace = Annotated[str, Depends(access.one_workspace)]
router = APIRouter(prefix="/internal", dependencies=[Depends(access.service)], redirect_slashes=False)


@router.put("/journeys/{key}/draft", response_model=schemas.SavedDraft)
async def save_draft(opened: Opened, workspace: Workspace, key: str, journey: schemas.JourneyInput) -> Response:
    draft, warnings = await handlers.save_draft(opened.journeys, workspace, key, journey)
    return JSONResponse({"journey": as_document(draft), "warnings": [flaw.as_json() for flaw in warnings]})


@router.post("/journeys/from-template", response_model=schemas.SavedDraft)
async def create_from_template(opened: Opened, workspace: Workspace, wanted: schemas.FromTemplate) -> Response:
    draft, warnings = await handlers.create_from_template(opened.journeys, workspace, wanted)
    return JSONResponse({"journey": as_document(draft), "warnings": [flaw.as_json() for flaw in warnings]})


@router.get("/journey-templates", response_model=schemas.Templates)
async def journey_templates(_workspace: Workspace, language: Language = Language.EN) -> Response:
    return JSONResponse({"templates": await asyncio.to_thread(templates, language)})


@router.post("/journeys/{key}/publish", response_model=schemas.PublishedVersion)
async def publish(opened: Opened, workspace: Workspace, key: str, request: schemas.PublishRequest) -> Response:
    requested = None if request.effective_from is None else microseconds(request.effective_from)
    version, pending = await handlers.publish(
        opened.journeys, opened.events, opened.notice, opened.clock, workspace, key, requested
    )
    return JSONResponse({"journey": as_document(version), "pending": pending})


@router.post("/journeys/read", response_model=schemas.JourneysRead)
async def read(opened: Opened, workspace: Workspace, request: ReadRequest) -> Response:
    found = await opened.journeys.read(workspace, request.items)
    return JSONResponse({"journeys": [None if one is None else as_document(one) for one in found]})


@router.post("/journeys/versions", response_model=schemas.JourneyVersions)
async def versions(opened: Opened, workspace: Workspace, request: VersionsRequest) -> Response:
    found = await opened.journeys.histories(workspace, request.keys)
    return JSONResponse({"versions": [_documents(one) for one in found]})


@router.get("/journeys", response_model=schemas.JourneysPage)
async def page(
    opened: Opened,
    workspace: Workspace,
    first: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[After, Query()] = "",
    status: Status | None = None,
) -> Response:
    found = await opened.journeys.page(workspace, first, after, status)
    return JSONResponse({"items": _documents(found.items), "hasNextPage": found.has_next, "totalCount": found.total})


@router.get("/published", response_model=schemas.Journeys, responses={304: {"description": "Nothing was published"}})
async def published(opened: Opened, workspace: Workspace, if_none_match: Annotated[str, Header()] = "") -> Response:
    tag, found = await opened.journeys.published(workspace, if_none_match)
    headers = {"ETag": f'"{tag}"'}
    if found is None:
        return Response(status_code=304, headers=headers)
    return JSONResponse({"journeys": _documents(found)}, headers=headers)


@router.get("/workspaces-published", response_model=Workspaces, dependencies=[Depends(access.all_workspaces)])
async def workspaces_published(opened: Opened) -> Response:
    return JSONResponse({"workspaces": await opened.journeys.workspaces_published()})


def _documents(stored: Sequence[Draft | Version]) -> list[dict[str, Any]]:
    return [as_document(one) for one in stored]
