"""Documents of upstreams that are told of as they are.

Where a GraphQL type has the members of a document under the same names, a document is as good as an object of the
type: GraphQL reads attributes. Phases alone are trees of some hundred objects, which nobody copies for two names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from gateway.clients.answers import Document

T = TypeVar("T")


def shown(document: Document, type_: type[T]) -> T:
    return cast(T, document)


def all_shown(documents: Sequence[Document] | None, type_: type[T]) -> list[T]:
    return cast(list[T], documents or [])
