"""How answers of upstreams are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from infra.chassis.errors import Unavailable

T = TypeVar("T")
BATCH_LIMIT = 100
"""The most items that one internal call may ask for."""


class Document(msgspec.Struct, rename="camel", kw_only=True):
    """A part of an answer: unknown members are ignored, absent ones take the default, a list of `null` is empty."""

    lists: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.lists:
            if getattr(self, name) is None:
                setattr(self, name, [])


class Page(Document, Generic[T]):
    """`items` with one opaque cursor each. `total_count` is None where counting would cost too much.

    `end_cursor` is where the next page goes on: an empty page may have a next one.
    """

    items: list[T]
    cursors: list[str]
    has_next_page: bool
    has_previous_page: bool = False
    end_cursor: str | None = None
    total_count: int | None = None

    def __post_init__(self) -> None:
        if self.end_cursor is None and self.cursors:
            self.end_cursor = self.cursors[-1]


def read(answer: object, shape: type[T], service: str) -> T:
    """`answer` as a `shape`. Raises Unavailable when it does not have it."""
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError as error:
        raise _unreadable(service) from error


def read_each(answer: Any, member: str, shape: type[T], service: str, asked: Sequence[object]) -> list[T | None]:
    """The list at `member`, one item or None per key of `asked`. Raises Unavailable when it is not that."""
    items = answer.get(member) if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != len(asked):
        raise _unreadable(service)
    return [None if item is None else read(item, shape, service) for item in items]


def _unreadable(service: str) -> Unavailable:
    return Unavailable(f"The {service} service gave an answer nobody understands.", code="UPSTREAM_UNAVAILABLE")
