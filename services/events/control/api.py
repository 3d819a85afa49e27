"""The internal routes about workspaces, and who a key or token speaks for."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf, every_workspace
from services.events.control.domain import digest_of, key_id
from services.events.control.handlers import save_settings, workspace_named
from services.events.control.keyring import KeyRing
from services.events.control.schemas import (
    AuthenticateBody,
    MintBody,
    PrincipalDocument,
    SettingsBody,
    TokenDocument,
    WorkspaceDocument,
    customer_principal_document,
    principal_document,
    token_document,
    workspace_document,
)
from services.events.control.store import ControlStore
from services.events.control.tokens import CustomerTokens, looks_like_token


def router(
    tokens: ServiceTokens,
    keys: KeyRing,
    customer_tokens: CustomerTokens,
    store: ControlStore,
    workspace_of: WorkspaceOf,
) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["control"])

    @routes.post("/authenticate", dependencies=[Depends(every_workspace(tokens))])
    async def authenticate(body: AuthenticateBody) -> JSONResponse[PrincipalDocument]:
        """Whose key or customer token this is, and what it may do; 401 for one nobody made, or that has expired."""
        if looks_like_token(body.credential):
            return JSONResponse(customer_principal_document(await customer_tokens.resolve(body.credential)))
        principal = await keys.resolve(body.credential)
        return JSONResponse(principal_document(principal, key_id(digest_of(body.credential))))

    @routes.post("/customer-tokens")
    async def mint_customer_token(
        body: MintBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[TokenDocument]:
        """A token for one customer, on behalf of a key of `source` that has `scopes`."""
        identifier = (body.identifier.type, body.identifier.value)
        minted = await customer_tokens.mint(workspace, body.source, body.key, body.scopes, identifier, body.lifetime)
        return JSONResponse(token_document(minted))

    @routes.get("/workspace")
    async def read_workspace(workspace: str = Depends(workspace_of)) -> JSONResponse[WorkspaceDocument]:
        """The workspace with its settings."""
        return JSONResponse(workspace_document(await workspace_named(store, workspace)))

    @routes.put("/workspace/settings")
    async def replace_settings(
        body: SettingsBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[WorkspaceDocument]:
        """Replaces the settings of the workspace as a whole; the workspace with them."""
        return JSONResponse(workspace_document(await save_settings(store, workspace, body.settings)))

    return routes
