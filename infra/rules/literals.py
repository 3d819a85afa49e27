"""Literals of CEL: what the text between the quotes, or the digits, stand for. Functions here raise ValueError."""

import re

# Alternatives never overlap on a backslash, so unlike the grammar's own string terminals this cannot backtrack
# exponentially; a text that passes is one whose strings those terminals match at the first try.
_QUOTED = re.compile(
    r'''//[^\n]*
    |"""(?:[^\\]|\\.)*?""" | \'\'\'(?:[^\\]|\\.)*?\'\'\'
    |("""|\'\'\')
    |"(?:[^"\\\n\r]|\\[^\n\r])*+" | '(?:[^'\\\n\r]|\\[^\n\r])*+'
    |(["'])''',
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(
    r"""\\(?:(?P<letter>[abfnrtv"'`?\\])
    |[xX](?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})
    |u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})
    |(?P<other>.?))""",
    re.DOTALL | re.VERBOSE,
)
_LETTERS = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_INT_RANGE = range(-(2**63), 2**63)
_UINT_RANGE = range(2**64)


def unterminated_string(text: str) -> int | None:
    """The offset of the first string literal that is not closed, or None."""
    for quoted in _QUOTED.finditer(text):
        if quoted.lastindex is not None:  # the groups are the quotes that nothing closes
            return quoted.start()
    return None


def read_string(token: str) -> str:
    """The value of a string literal, quotes and prefix included in `token`."""
    body, raw = _unquote(token)
    return body if raw else _ESCAPE.sub(_character, body)


def read_bytes(token: str) -> bytes:
    """The value of a bytes literal: escapes are single bytes, other characters stand for their UTF-8."""
    body, raw = _unquote(token[1:])
    return body.encode() if raw else _ESCAPE.sub(_byte, body).encode("utf-8", "surrogateescape")


def read_int(token: str) -> int:
    """The value of a signed or unsigned (`u`) integer literal, decimal or hexadecimal."""
    digits = token.rstrip("uU")
    value = int(digits, 16 if "x" in digits.lower() else 10)
    if value not in (_UINT_RANGE if digits != token else _INT_RANGE):
        raise ValueError(f"{token} does not fit in 64 bits")
    return value


def read_double(token: str) -> float:
    """The value of a floating-point literal."""
    value = float(token)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{token} is too large for a number")
    return value


def _unquote(token: str) -> tuple[str, bool]:
    raw = token[0] in "rR"
    quoted = token[1:] if raw else token
    width = 3 if quoted[:3] in ('"""', "'''") else 1
    quote, body = quoted[:width], quoted[width:-width]
    if raw and quote in body:
        # CEL ends a raw string at its quote, the grammar's terminal goes on after a backslash: let no one be misread.
        raise ValueError("a raw string cannot contain its own quote")
    return body, raw


def _character(escape: re.Match[str]) -> str:
    if letter := escape["letter"]:
        return _LETTERS.get(letter, letter)
    if escape["octal"]:
        return chr(int(escape["octal"], 8))
    digits = escape["byte"] or escape["short"] or escape["long"]
    if digits is None:
        raise ValueError(f"{escape[0]} is not an escape; a backslash is written \\\\")
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(f"{escape[0]} is not a character")
    return chr(code)


def _byte(escape: re.Match[str]) -> str:
    if escape["short"] or escape["long"]:
        raise ValueError(f"{escape[0]} is not an escape of bytes")
    code = ord(_character(escape))
    return chr(code) if code < 0x80 else chr(0xDC00 + code)  # the spelling that surrogateescape turns into one byte
