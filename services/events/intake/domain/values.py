"""Which JSON values an event may hold, and where in it a forbidden one stands. Pure."""

from __future__ import annotations

import json
from decimal import Decimal
from math import inf, isfinite
from typing import Any

MAX_DEPTH = 64
"""Objects and lists inside each other; the event itself is the first."""

Path = tuple[str, ...]

BAD_VALUE = "BAD_VALUE"
BAD_TIMESTAMP = "BAD_TIMESTAMP"
NO_IDENTIFIER = "NO_IDENTIFIER"
TOO_LARGE = "TOO_LARGE"

_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")
_ROUND = bytes.maketrans(b"{}[]", b"()()")
_MOST_BRACKETS = 1 << 16
_MOST_DIGITS = 4_300  # of an integer; longer ones are refused by every decoder here, since reading them is quadratic


class Refusal(Exception):
    """An event cannot be accepted: a stable code, what to do about it, and the place inside the event."""

    def __init__(self, code: str, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


def number_text(number: int | float) -> str:
    """A number as the text of an identifier: 7 and 7.0 are `7`, otherwise the shortest decimal without exponent."""
    if isinstance(number, int):
        return str(number)
    # repr is the shortest decimal that reads back as the same number; adding zero turns -0.0 into 0.0.
    return format(Decimal(repr(number + 0.0)), "f").removesuffix(".0")


def is_plain(json: bytes, depth: int = MAX_DEPTH) -> bool:
    """Whether a look at the bytes of JSON shows that it is UTF-8, holds no U+0000 and is at most so deep.

    Cheap, and never wrongly true: msgspec alone finds none of these in what it steps over. Brackets inside texts, or
    very many brackets, may make it wrongly false.
    """
    if b"\\" in json and b"\\u0000" in json:
        return False
    if not (json.isascii() or _is_utf8(json)):
        return False
    brackets = json.translate(_ROUND, _NO_BRACKETS)
    if len(brackets) <= 2 * depth:
        return True
    if len(brackets) > _MOST_BRACKETS:
        return False
    for _ in range(depth):  # each round takes the innermost pairs away
        brackets = brackets.replace(b"()", b"")
        if not brackets:
            return True
    return False


def decode_leniently(text: str, start: int = 0) -> tuple[Any, int]:
    """The JSON value at `start` and where it ends, taking for granted what only spoils an event: NaN, Infinity, numbers
    out of range, halves of surrogate pairs. Raises ValueError for other syntax, RecursionError for great depth.
    """
    value: tuple[Any, int] = _LENIENT.raw_decode(text, start)
    return value


def find_flaw(value: Any, path: Path = ()) -> Refusal | None:
    """The first thing inside a leniently decoded value that an event may not hold."""
    if isinstance(value, str):
        return _flaw_of_text(value, path)
    if isinstance(value, float):
        return None if isfinite(value) else Refusal(BAD_VALUE, "This is not a number that can be kept.", path)
    if not isinstance(value, (dict, list)):
        return None
    if len(path) >= MAX_DEPTH:
        return too_deep(path)
    if isinstance(value, list):
        found = (find_flaw(item, (*path, str(index))) for index, item in enumerate(value))
    else:
        found = (_flaw_of_text(key, path) or find_flaw(item, (*path, key)) for key, item in value.items())
    return next((flaw for flaw in found if flaw is not None), None)


def too_deep(path: Path = ()) -> Refusal:
    return Refusal(BAD_VALUE, f"An event may be {MAX_DEPTH} objects and lists deep.", path)


def _flaw_of_text(text: str, path: Path) -> Refusal | None:
    if "\x00" in text:
        return Refusal(BAD_VALUE, "A text cannot hold U+0000.", path)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return Refusal(BAD_VALUE, "A text cannot hold half a surrogate pair, or bytes that are not UTF-8.", path)
    return None


def _is_utf8(event: bytes) -> bool:
    try:
        event.decode()
    except UnicodeDecodeError:
        return False
    return True


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else inf


_LENIENT = json.JSONDecoder(parse_int=_integer)
