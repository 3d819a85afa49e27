"""Relay's conventions: opaque global ids and pages that are walked by cursor."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Generic, TypeVar

import strawberry

from gateway.clients.answers import Page
from gateway.clients.models import ModelKey
from gateway.errors import BadId, BadPage

PAGE_LIMIT = 100
"""The most items of one page."""

S = TypeVar("S")
T = TypeVar("T")


@strawberry.interface(description="Anything that can be fetched again by its id.")
class Node:
    id: strawberry.ID


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


@strawberry.type(name="Connection")
class CountedConnection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo
    total_count: int | None


def global_id(kind: str, key: str) -> strawberry.ID:
    return strawberry.ID(urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("="))


def parse_global_id(value: str) -> tuple[str, str]:
    """The kind and the key inside a global id. Raises BadId when it is not one."""
    try:
        padded = value + "=" * (-len(value) % 4)
        kind, colon, key = urlsafe_b64decode(padded.encode("ascii")).decode().partition(":")
    except (NotBase64, ValueError) as error:
        raise BadId("This is not an id that an answer of this API gave.") from error
    if not colon:
        raise BadId("This is not an id that an answer of this API gave.")
    return kind, key


def model_id(kind: str, key: str, version: int | None) -> strawberry.ID:
    """The id of one version of a persona or journey, or (None) of its draft."""
    return global_id(kind, f"{'draft' if version is None else version}:{key}")


def model_key(key: str) -> ModelKey:
    """The persona or journey that the key inside a global id names. Raises BadId when it names none."""
    version, _, name = key.partition(":")
    if version == "draft":
        return ModelKey(name, draft=True)
    if not (version.isascii() and version.isdigit()):
        raise BadId("This is not an id that an answer of this API gave.")
    return ModelKey(name, int(version))


def page_size(first: int | None, default: int) -> int:
    """How many items to fetch. Raises BadPage unless `first` is between 1 and 100."""
    size = default if first is None else first
    if not 1 <= size <= PAGE_LIMIT:
        raise BadPage(f"`first` is between 1 and {PAGE_LIMIT}.")
    return size


def connection(page: Page[S], node: Callable[[S], T]) -> Connection[T]:
    return Connection(edges=_edges(page, node), page_info=_page_info(page))


def counted_connection(page: Page[S], node: Callable[[S], T]) -> CountedConnection[T]:
    return CountedConnection(edges=_edges(page, node), page_info=_page_info(page), total_count=page.total_count)


def _edges(page: Page[S], node: Callable[[S], T]) -> list[Edge[T]]:
    return [Edge(node=node(item), cursor=cursor) for item, cursor in zip(page.items, page.cursors, strict=True)]


def _page_info(page: Page[S]) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next_page,
        has_previous_page=page.has_previous_page,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.end_cursor,
    )
