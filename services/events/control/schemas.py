"""Credentials, principals and sources as other services see them."""

from __future__ import annotations

import msgspec

from services.events.control.domain import Principal, Source
from services.events.schemas import Body, Text


class AuthenticateBody(Body):
    credential: Text


class PrincipalDocument(msgspec.Struct, rename="camel"):
    workspace: str
    source: str
    kind: str
    scopes: list[str]


class SourceDocument(msgspec.Struct, rename="camel"):
    key: str
    name: str
    kind: str
    default_channel: str | None
    origins: tuple[str, ...]
    trust: str
    paused: bool


def principal_document(principal: Principal) -> PrincipalDocument:
    return PrincipalDocument(principal.workspace, principal.source, principal.kind.value, sorted(principal.scopes))


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
