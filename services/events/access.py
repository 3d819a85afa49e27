"""Who may call the internal routes: services of this installation, for the workspace that their token names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Forbidden, Unauthenticated

AUDIENCE = "events"
EVERY_WORKSPACE = "*"

WorkspaceOf = Callable[[Request], Awaitable[str]]


def workspace_of(tokens: ServiceTokens) -> WorkspaceOf:
    """A dependency that gives the workspace of the call.

    It raises Unauthenticated without a valid token, and Forbidden for one that speaks for no single workspace.
    """

    async def workspace(request: Request) -> str:
        named = tokens.verify(_bearer(request), AUDIENCE)
        if named == EVERY_WORKSPACE:
            raise Forbidden("This call is about one workspace; the service token names none.")
        return named

    return workspace


def every_workspace(tokens: ServiceTokens) -> Callable[[Request], Awaitable[None]]:
    """A dependency for calls about the installation as a whole: only tokens for workspace `*` pass."""

    async def installation(request: Request) -> None:
        if tokens.verify(_bearer(request), AUDIENCE) != EVERY_WORKSPACE:
            raise Forbidden("This call is about all workspaces; the service token names one.")

    return installation


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Internal calls carry a service token: `Authorization: Bearer ...`.")
    return token
