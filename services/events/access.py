"""Who may call the internal routes: services of this installation, for the workspace that their token names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from infra.chassis.access import EVERY_WORKSPACE, ServiceAccess
from infra.chassis.auth import ServiceTokens

__all__ = ["AUDIENCE", "EVERY_WORKSPACE", "WorkspaceOf", "access_with", "every_workspace", "workspace_of"]

AUDIENCE = "events"

WorkspaceOf = Callable[..., Awaitable[str]]


def access_with(tokens: ServiceTokens) -> ServiceAccess:
    return ServiceAccess(AUDIENCE, lambda _request: tokens)


def workspace_of(tokens: ServiceTokens) -> WorkspaceOf:
    """A dependency that gives the workspace of the call.

    It raises Unauthenticated without a valid token, and Forbidden for one that speaks for no single workspace.
    """
    return access_with(tokens).one_workspace


def every_workspace(tokens: ServiceTokens) -> Callable[..., Awaitable[None]]:
    """A dependency for calls about the installation as a whole: only tokens for workspace `*` pass."""
    return access_with(tokens).all_workspaces
