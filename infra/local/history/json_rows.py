"""JSON lines: each line an event of ours or a Segment call, sent on as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from infra.local.history.files import Source, texts
from infra.local.history.rows import Row
from services.events.intake.domain.objects import UNDECODABLE
from services.events.intake.domain.values import decode_leniently

SENT_AS_IS = "line"
"""The column under which a line stands that is an object."""


class JsonRows:
    columns: list[str] | None = None

    def __init__(self, source: Source) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Row]:
        number = 0
        for line, text in texts(self._source, "utf-8"):
            text = text.strip()
            if not text:
                continue
            number += 1
            flaw = None if _is_object(text) else "this is no JSON object"
            yield Row(number, line, {SENT_AS_IS: text}, flaw)


def _is_object(text: str) -> bool:
    """Values that intake refuses (NaN, and such) are left to it: it says which and where."""
    if not text.startswith("{"):
        return False
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except UNDECODABLE:
        try:
            value: Any
            value, end = decode_leniently(text)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and not text[end:].strip()
    return True
