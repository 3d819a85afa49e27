"""Who may send and read: sources, their keys, and the principal that a key speaks for. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from services.events.identity.domain import Identifier
from services.events.intake.domain.values import TOO_LARGE, Refusal, find_flaw

SCOPES = (
    "events:write",
    "customers:read",
    "pii:read",
    "models:read",
    "models:write",
    "insights:read",
    "sources:write",
    "export",
)
"""All there are; the admin key has them all."""

EVENTS_WRITE = "events:write"
PII_READ = "pii:read"
EXPORT = "export"
_PREFIX_LENGTH = 9  # enough of a key to recognise it in a list, too little to guess it


_MOST_SETTINGS = 32 * 1_024


class KeyKind(StrEnum):
    """A write key is public and can only append; a secret key may do what its scopes say."""

    WRITE = "WRITE"
    SECRET = "SECRET"  # noqa: S105


class Trust(StrEnum):
    """Whether a source's word about who somebody is counts as proof."""

    CLAIMED = "CLAIMED"
    VERIFIED = "VERIFIED"


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends events."""

    workspace: str
    key: str
    name: str
    kind: str
    trust: Trust
    default_channel: str | None = None
    origins: tuple[str, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant. Its `settings`, a JSON object as text, mean something to frontends alone."""

    key: str
    name: str
    settings: str


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as they are kept. Raises Refusal (BAD_VALUE, TOO_LARGE) for what cannot be."""
    flaw = find_flaw(settings, ("settings",))
    if flaw is not None:
        raise flaw
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > _MOST_SETTINGS:
        raise Refusal(TOO_LARGE, f"Settings take at most {_MOST_SETTINGS:,} bytes.", ("settings",))
    return text


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a request comes: one source of one workspace, and what it may do."""

    workspace: str
    source: str
    default_channel: str | None
    verified: bool
    """What it says about identifiers and their links is trusted, not merely claimed."""
    kind: KeyKind
    scopes: frozenset[str]
    expires_at: int | None = None
    """When this ends, in microseconds since 1970."""
    origins: tuple[str, ...] = ()
    """The only ones whose pages may send; empty where the source lists none."""
    paused: bool = False
    """Nothing is taken from it for now."""


@dataclass(frozen=True, slots=True)
class CustomerPrincipal:
    """On whose behalf a request with a customer token comes: one customer, as a source of a workspace vouches."""

    workspace: str
    source: str
    customer: Identifier
    scopes: frozenset[str]
    expires_at: int
    """Microseconds since 1970."""


def principal_of(source: Source, kind: KeyKind, scopes: frozenset[str], expires_at: int | None = None) -> Principal:
    """A secret key vouches for what it says; a write key, which anybody can read in a page, only if its source does."""
    verified = kind is KeyKind.SECRET or source.trust is Trust.VERIFIED
    return Principal(
        source.workspace,
        source.key,
        source.default_channel,
        verified,
        kind,
        scopes,
        expires_at,
        source.origins,
        source.paused,
    )


def scopes_of(kind: KeyKind) -> frozenset[str]:
    """What a new key of this kind may do."""
    return frozenset(SCOPES) if kind is KeyKind.SECRET else frozenset({EVENTS_WRITE})


def spell_key(kind: KeyKind, random: bytes) -> str:
    """A key as its holder sees it: `sk_...` or `wk_...` around random bytes."""
    return ("sk_" if kind is KeyKind.SECRET else "wk_") + urlsafe_b64encode(random).rstrip(b"=").decode()


def digest_of(key: str) -> bytes:
    """What is stored of a key. Keys are long and random, so that a fast hash is enough."""
    return sha256(key.encode(errors="surrogatepass")).digest()


def key_id(digest: bytes) -> str:
    """Names a key to those who must not know it, and cannot guess it from this."""
    return digest[:8].hex()


def prefix_of(key: str) -> str:
    """What of a key may be shown in lists."""
    return key[:_PREFIX_LENGTH]


WEBSITE = "website"
API = "api"


def first_sources(workspace: str) -> tuple[Source, Source]:
    """The sources a new workspace starts with: a website whose visitors claim, and trusted systems of the house."""
    return (
        Source(workspace, WEBSITE, "Website", "website", Trust.CLAIMED),
        Source(workspace, API, "API", "api", Trust.VERIFIED),
    )
