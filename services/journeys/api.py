"""The internal routes. Each is opened by a service token, which also names the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock
from infra.chassis.database import Database
from infra.chassis.errors import Forbidden, Unauthenticated
from infra.chassis.http import JSONResponse
from services.journeys import domain, handlers, schemas
from services.journeys.clients import Events
from services.journeys.store import Draft, Version

AUDIENCE = "journeys"
EVERY_WORKSPACE = "*"

_bearer = HTTPBearer(scheme_name="serviceToken", bearerFormat="JWT", auto_error=False)


@dataclass(frozen=True, slots=True)
class Resources:
    """What the routes work with while the app runs."""

    database: Database
    events: Events
    tokens: ServiceTokens
    clock: Clock


def resources(request: Request) -> Resources:
    opened: Resources = request.app.state.resources
    return opened


Opened = Annotated[Resources, Depends(resources)]


def service(opened: Opened, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The workspace, or `*`, that the service token speaks for; every route of this module depends on it."""
    if credentials is None:
        raise Unauthenticated("Internal calls carry a service token: `Authorization: Bearer ...`.")
    return opened.tokens.verify(credentials.credentials, AUDIENCE)


def one_workspace(named: Annotated[str, Depends(service)]) -> str:
    if named == EVERY_WORKSPACE:
        raise Forbidden("This call is about one workspace; the service token names none.")
    return named


def all_workspaces(named: Annotated[str, Depends(service)]) -> None:
    if named != EVERY_WORKSPACE:
        raise Forbidden("This call is about all workspaces; the service token names one.")


Workspace = Annotated[str, Depends(one_workspace)]
router = APIRouter(prefix="/internal", dependencies=[Depends(service)], redirect_slashes=False)


@router.put("/journeys/{key}/draft", response_model=schemas.SavedDraft)
async def save_draft(opened: Opened, workspace: Workspace, key: str, journey: schemas.JourneyInput) -> Response:
    draft, warnings = await handlers.save_draft(opened.database, workspace, key, journey)
    return JSONResponse({"journey": schemas.as_document(draft), "warnings": [flaw.as_json() for flaw in warnings]})


@router.post("/journeys/{key}/publish", response_model=schemas.PublishedVersion)
async def publish(opened: Opened, workspace: Workspace, key: str, request: schemas.PublishRequest) -> Response:
    requested = None if request.effective_from is None else schemas.microseconds(request.effective_from)
    version, pending = await handlers.publish(opened.database, opened.events, opened.clock, workspace, key, requested)
    return JSONResponse({"journey": schemas.as_document(version), "pending": pending})


@router.post("/journeys/read", response_model=schemas.JourneysRead)
async def read(opened: Opened, workspace: Workspace, request: schemas.ReadRequest) -> Response:
    found = await handlers.read(opened.database, workspace, request.items)
    return JSONResponse({"journeys": [None if one is None else schemas.as_document(one) for one in found]})


@router.get("/journeys/{key}/versions", response_model=schemas.Journeys)
async def versions(opened: Opened, workspace: Workspace, key: str) -> Response:
    return JSONResponse({"journeys": _documents(await handlers.history(opened.database, workspace, key))})


@router.get("/journeys", response_model=schemas.JourneysPage)
async def page(
    opened: Opened,
    workspace: Workspace,
    first: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str, Query(pattern=rf"{domain.KEY}|^$", max_length=domain.LONGEST_KEY)] = "",
    status: domain.ModelStatus | None = None,
) -> Response:
    found = await handlers.page(opened.database, workspace, first, after, status)
    return JSONResponse({"items": _documents(found.items), "hasNextPage": found.has_next, "totalCount": found.total})


@router.get("/published", response_model=schemas.Journeys, responses={304: {"description": "Nothing was published"}})
async def published(opened: Opened, workspace: Workspace, if_none_match: Annotated[str, Header()] = "") -> Response:
    known = {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",") if tag.strip()}
    tag, found = await handlers.published(opened.database, workspace, known)
    headers = {"ETag": f'"{tag}"'}
    if found is None:
        return Response(status_code=304, headers=headers)
    return JSONResponse({"journeys": _documents(found)}, headers=headers)


@router.get("/workspaces-published", response_model=schemas.Workspaces, dependencies=[Depends(all_workspaces)])
async def workspaces_published(opened: Opened) -> Response:
    return JSONResponse({"workspaces": await handlers.workspaces_published(opened.database)})


def _documents(stored: Sequence[Draft | Version]) -> list[dict[str, Any]]:
    return [schemas.as_document(one) for one in stored]
