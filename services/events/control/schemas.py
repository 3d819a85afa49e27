"""Credentials, principals, workspaces and sources as other services see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

import msgspec
from pydantic import JsonValue

from infra.chassis.clock import to_rfc3339
from services.events.control.declaring import Key
from services.events.control.domain import CustomerPrincipal, KeyKind, Principal, Source, Trust, Workspace
from services.events.control.handlers import Rotated, Saved
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


class SourceBody(Body):
    """A source as it is to be; what is left out is as for a new one."""

    key: Text
    name: Text
    kind: Text = "website"
    default_channel: Text | None = None
    origins: list[Text] | None = None
    trust: Trust = Trust.CLAIMED
    paused: bool = False

    def source(self, workspace: str) -> Source:
        origins = tuple(self.origins or ())
        return Source(workspace, self.key, self.name, self.kind, self.trust, self.default_channel, origins, self.paused)


class RotateBody(Body):
    source: Text
    scopes: list[Text]


class RevokeBody(Body):
    id: Text


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


class KeyDocument(msgspec.Struct, rename="camel"):
    id: str
    prefix: str
    secret: bool
    created_at: str
    expires_at: str | None


class SavedDocument(msgspec.Struct):
    """`key` is the first key of a new source, told this once."""

    source: SourceDocument
    key: str | None


class RotatedDocument(msgspec.Struct, rename="camel"):
    key: str
    grace_until: str | None


class SourceDocument(msgspec.Struct, rename="camel"):
    key: str
    name: str
    kind: str
    default_channel: str | None
    origins: tuple[str, ...]
    trust: str
    paused: bool
    keys: list[KeyDocument]
    """Those that are active, in the order they were made."""


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


def source_document(source: Source, keys: Iterable[Key]) -> SourceDocument:
    return SourceDocument(
        key=source.key,
        name=source.name,
        kind=source.kind,
        default_channel=source.default_channel,
        origins=source.origins,
        trust=source.trust.value,
        paused=source.paused,
        keys=[_key_document(key) for key in keys if key.source == source.key],
    )


def saved_document(saved: Saved, keys: Iterable[Key]) -> SavedDocument:
    return SavedDocument(source_document(saved.source, keys), saved.key)


def rotated_document(rotated: Rotated) -> RotatedDocument:
    until = rotated.grace_until
    return RotatedDocument(rotated.key, None if until is None else to_rfc3339(until))


def _key_document(key: Key) -> KeyDocument:
    return KeyDocument(
        id=key.id,
        prefix=key.prefix,
        secret=key.kind is KeyKind.SECRET,
        created_at=to_rfc3339(key.created_at),
        expires_at=None if key.expires_at is None else to_rfc3339(key.expires_at),
    )


class SourcesDocument(TypedDict):
    sources: list[SourceDocument]
