"""What two executions of one operation have in common, whatever happened first in each."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gateway.errors import as_json


class Told(NamedTuple):
    """All of an answer that does not depend on what happens first."""

    data: bytes
    """As JSON: order matters."""
    errors: list[str]
    """In an order of their own: graphql-core tells them in the order of time."""
    lost: set[str]
    """Places that are null because something inside of them failed: which of several things is a matter of time."""

    @classmethod
    def of(cls, result: Any) -> Told:
        told = cls(msgspec.json.encode(result.data), [], set())
        for error in result.errors or ():
            path = error.path or []
            null = _null_on(path, result.data)
            if null == path:
                told.errors.append(repr((as_json(error, "REQUEST"), error.message, type(error.original_error))))
            else:
                told.lost.add(repr(null))
        told.errors.sort()
        return told


def _null_on(path: list[str | int], data: Any) -> list[str | int]:
    """How far one comes on a path before there is nothing more."""
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    assert data is None
    return path
