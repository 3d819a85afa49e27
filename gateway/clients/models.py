"""What personas and journeys have in common as their services answer: both are drafted, and published in versions."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import NamedTuple
from urllib.parse import quote

from gateway.clients.answers import Document
from gateway.vocabulary import Rung
from infra.chassis.errors import BadRequest, Flaw, Invalid


class ModelKey(NamedTuple):
    """One model: the draft, a version, or (neither given) the published version, else the draft."""

    key: str
    version: int | None = None
    draft: bool = False


class Evidence(Document):
    rung: Rung
    kind: str
    summary: str
    date: str | None = None
    sample_size: int | None = None
    url: str | None = None


def segment(key: str) -> str:
    """A key as a part of a path. Raises Invalid for what cannot be one."""
    if key in ("", ".", "..") or "/" in key:
        message = "A key is text without a slash that is not empty."
        raise Invalid(message, errors=[Flaw("INVALID_VALUE", message, ("key",))])
    return quote(key, safe="")


def cursor_of(key: str) -> str:
    """The cursor of a model in the list that is ordered by key."""
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor: str) -> str:
    """The key in a cursor. Raises BadRequest (BAD_CURSOR) for a text of another origin."""
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (NotBase64, ValueError) as error:
        raise BadRequest("This is not a cursor that this list gave out.", code="BAD_CURSOR") from error
