"""Credentials, principals, workspaces and sources as other services see them."""

from __future__ import annotations

from typing import TypedDict

import msgspec
from pydantic import JsonValue

from infra.chassis.clock import to_rfc3339
from services.events.control.domain import CustomerPrincipal, Principal, Source, Workspace
from services.events.control.tokens import Minted
from services.events.identity.schemas import IdentifierBody
from services.events.schemas import Body, Text


class AuthenticateBody(Body):
    credential: Text


class MintBody(Body):
    source: Text
    key: Text
    scopes: list[Text]
    identifier: IdentifierBody
    lifetime: Text


class SettingsBody(Body):
    settings: dict[str, JsonValue]


class WorkspaceDocument(msgspec.Struct):
    """`settings` are the bytes that are kept, so that no number changes on its way."""

    key: str
    name: str
    settings: msgspec.Raw


class NamedDocument(msgspec.Struct):
    type: str
    value: str


class PrincipalDocument(msgspec.Struct, rename="camel", omit_defaults=True):
    workspace: str
    source: str
    kind: str
    scopes: list[str]
    key: str | None = None
    customer: NamedDocument | None = None
    expires_at: int | None = None


class TokenDocument(msgspec.Struct, rename="camel"):
    token: str
    expires_at: str


class SourceDocument(msgspec.Struct, rename="camel"):
    key: str
    name: str
    kind: str
    default_channel: str | None
    origins: tuple[str, ...]
    trust: str
    paused: bool


def principal_document(principal: Principal, key: str) -> PrincipalDocument:
    return PrincipalDocument(
        principal.workspace,
        principal.source,
        principal.kind.value,
        sorted(principal.scopes),
        key,
        expires_at=principal.expires_at,
    )


def customer_principal_document(principal: CustomerPrincipal) -> PrincipalDocument:
    return PrincipalDocument(
        principal.workspace,
        principal.source,
        "CUSTOMER",
        sorted(principal.scopes),
        customer=NamedDocument(*principal.customer),
        expires_at=principal.expires_at,
    )


def token_document(minted: Minted) -> TokenDocument:
    return TokenDocument(minted.token, to_rfc3339(minted.expires_at))


def workspace_document(workspace: Workspace) -> WorkspaceDocument:
    return WorkspaceDocument(workspace.key, workspace.name, msgspec.Raw(workspace.settings.encode()))


def source_document(source: Source) -> SourceDocument:
    return SourceDocument(
        key=source.key,
        name=source.name,
        kind=source.kind,
        default_channel=source.default_channel,
        origins=source.origins,
        trust=source.trust.value,
        paused=source.paused,
    )


class Sources(TypedDict):
    sources: list[SourceDocument]
