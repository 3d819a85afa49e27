"""What the text in a table means, where a mapping says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?\d{1,3}((\.\d{3})+|\d*)(,\d+)?", re.ASCII)
_EPOCH = re.compile(r"\d{9,14}(\.\d+)?", re.ASCII)
_YES, _NO = frozenset({"true", "1", "yes", "ja", "y", "j"}), frozenset({"false", "0", "no", "nee", "n"})


class Meaningless(Exception):
    """A text is not what the mapping says."""


class Times(NamedTuple):
    """How a table writes moments."""

    format: str | None = None
    """As strptime has it; None: ISO 8601, or seconds or milliseconds since 1970."""
    zone: ZoneInfo | None = None
    """Of moments that name none; None: UTC."""

    def read(self, text: str) -> Any:
        """The moment in a form that intake reads; a text that is none stays as it is, and intake will refuse it."""
        if self.format is None and _EPOCH.fullmatch(text):
            return msgspec.Raw(text.encode())
        try:
            moment = datetime.fromisoformat(text) if self.format is None else datetime.strptime(text, self.format)  # noqa: DTZ007
        except ValueError:
            return text
        if moment.tzinfo is not None or (self.format is None and self.zone is None):
            return text if self.format is None else moment.isoformat()
        return moment.replace(tzinfo=self.zone).isoformat()


def number(text: str) -> Any:
    """With the digits as they are written, however many."""
    return _matched(NUMBER, text, "a number")


def _decimal_comma(text: str) -> Any:
    """`1.234,56`, as most of Europe writes."""
    if not _DECIMAL_COMMA.fullmatch(text):
        raise Meaningless(f"{text!r} is not a number with a decimal comma")
    return number(text.replace(".", "").replace(",", "."))


def _boolean(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise Meaningless(f"{text!r} is neither yes nor no")


def _json(text: str) -> Any:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Meaningless(f"{text[:40]!r} is not JSON") from error
    return msgspec.Raw(text.encode())


def _matched(pattern: re.Pattern[str], text: str, what: str) -> Any:
    if not pattern.fullmatch(text):
        raise Meaningless(f"{text!r} is not {what}")
    return msgspec.Raw(text.encode())


CONVERSIONS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": number,
    "integer": lambda text: _matched(_INTEGER, text, "an integer"),
    "decimal-comma": _decimal_comma,
    "boolean": _boolean,
    "json": _json,
}
