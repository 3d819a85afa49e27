"""What personas and journeys have in common as their services answer: both are drafted, and published in versions."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

from gateway.clients.answers import Document, Page
from gateway.vocabulary import ModelStatus, Rung
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


class _Model(Protocol):
    key: str


M = TypeVar("M", bound=_Model)


class Listed(Document, Generic[M]):
    """Models by key, as many as were asked for; a cursor is the key, made opaque."""

    items: list[M]
    has_next_page: bool
    total_count: int

    def page(self, after: str | None) -> Page[M]:
        """The page behind the cursor `after`."""
        return Page(
            items=self.items,
            cursors=[_cursor_of(model.key) for model in self.items],
            has_next_page=self.has_next_page,
            has_previous_page=bool(after),
            total_count=self.total_count,
        )


def listing(first: int, after: str | None, status: ModelStatus | None) -> dict[str, str]:
    """The query that asks for a page. Raises BadRequest (BAD_CURSOR)."""
    query = {"first": str(first)}
    query |= {"after": _key_of(after)} if after else {}
    return query | ({"status": status.value} if status else {})


def _cursor_of(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _key_of(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (NotBase64, ValueError) as error:
        raise BadRequest("This is not a cursor that this list gave out.", code="BAD_CURSOR") from error
