"""The key of an event: which order, claim or contract it is about, by the `instanceKey` of a journey version."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from operator import attrgetter
from typing import Any

from services.events.timeline.domain import Event

KeyReader = Callable[[Event], str | None]

_LONGEST = 255
"""A key names an order or a claim. A longer text is no name, and could not be indexed."""
_ROOTS = frozenset({"kind", "name", "channel", "device", "source", "properties", "context", "traits"})


def key_reader(path: str) -> KeyReader:
    """A function that reads the key at a path such as `properties.order_id` from an event.

    Raises ValueError if the path does not begin with a variable that rules know, or has an empty part.
    """
    root, *parts = path.split(".")
    if root not in _ROOTS or not all(parts):
        raise ValueError(f"{path!r} is not a path into an event, such as properties.order_id")
    read_root: Callable[[Event], Any] = attrgetter(root)

    def read(event: Event) -> str | None:
        value = read_root(event)
        try:
            for part in parts:
                value = value[part]
        except (KeyError, TypeError, IndexError):  # absent, or inside something that is no map
            return None
        return key_text(value)

    return read


def key_text(value: object) -> str | None:
    """The value as the text of a key: 7 and 7.0 are `7`; None for null, the empty text and other types.

    Also None for more than 255 characters.
    """
    text = _text(value)
    return text if text and len(text) <= _LONGEST else None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 4 * _LONGEST else None  # spelling out a huge one is slow
    if isinstance(value, float) and isfinite(value):
        # repr is the shortest decimal that reads back as the same number; adding zero turns -0.0 into 0.0.
        return format(Decimal(repr(value + 0.0)), "f").removesuffix(".0")
    return None
