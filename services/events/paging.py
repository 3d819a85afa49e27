"""Pages of lists that grow while they are read: cursors name a place in the order, never a count of items before it."""

from __future__ import annotations

import base64
from collections.abc import Container, Sequence
from typing import Generic, TypeVar

import msgspec

from infra.chassis.errors import BadRequest

MOST = 100
"""Items that may be asked for at once, and items on a page."""

KEY_SIZES = range(19, 2_000)
"""Bytes of a history key: source and message id behind its head; intake bounds both."""

T = TypeVar("T")
U = TypeVar("U")


class Page(msgspec.Struct, Generic[T], rename="camel"):
    """Some consecutive items of a list; `end_cursor` is where the next page goes on, even if there are no items."""

    items: list[T]
    cursors: list[str]
    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool
    total_count: int | None = None

    def of(self, items: list[U]) -> Page[U]:
        """The same page, of what was made of its items."""
        return Page(items, self.cursors, self.end_cursor, self.has_next_page, self.has_previous_page, self.total_count)


def page_of(
    found: Sequence[T], cursors: Sequence[str], first: int, after: str | None, total: int | None = None
) -> Page[T]:
    """The page of `first` items, made from as many and, if there is one, the next."""
    shown = list(cursors[:first])
    return Page(
        items=list(found[:first]),
        cursors=shown,
        end_cursor=shown[-1] if shown else None,
        has_next_page=len(found) > first,
        has_previous_page=after is not None,
        total_count=total,
    )


def write_cursor(tag: bytes, place: bytes) -> str:
    """Opaque URL-safe text for a place in lists of one kind, which `tag` (one byte) tells apart."""
    return base64.urlsafe_b64encode(tag + place).rstrip(b"=").decode()


def read_cursor(tag: bytes, cursor: str, sizes: Container[int] = KEY_SIZES) -> bytes:
    """The place in a cursor, a history key unless told. Raises BadRequest (BAD_CURSOR) for a text of another origin."""
    padding = "=" * (-len(cursor) % 4)
    try:
        place = base64.b64decode(cursor + padding, altchars=b"-_", validate=True)
    except ValueError:
        place = b""
    # Writing it again refuses the other spellings that decoding lets pass.
    known = place.startswith(tag) and write_cursor(tag, place[1:]) == cursor
    if not known or len(place) - 1 not in sizes:
        raise BadRequest("This is not a cursor that this list gave out.", code="BAD_CURSOR")
    return place[1:]
