"""Documents of upstreams that are told of as they are.

Where a GraphQL type has the members of a document under the same names, a document is as good as an object of the
type: GraphQL reads attributes. Phases alone are trees of some hundred objects, which nobody copies for two names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from gateway.clients.answers import Document

T = TypeVar("T")


def shown(document: Document, _type: type[T]) -> T:
    as_it_is: Any = document
    return as_it_is  # type: ignore[no-any-return]


def all_shown(documents: Sequence[Document] | None, _type: type[T]) -> list[T]:
    as_they_are: Any = documents or []
    return as_they_are  # type: ignore[no-any-return]
