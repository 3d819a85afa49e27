"""The attributes of a CloudEvent 1.0: their names, their types, and what the specification asks of each. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from services.events.intake.domain.media_types import is_media_type
from services.events.intake.domain.values import BAD_TIMESTAMP, BAD_VALUE, Refusal

Attributes = Mapping[str, Any]
"""Texts, booleans and integers by name; what is null is absent."""

DATA = ("data", "data_base64")
"""The members of the JSON form that are no attributes."""

_NAME = re.compile(r"[a-z0-9]+")
_LAST_OF_PLANES = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef{_LAST_OF_PLANES}]")
_INTEGERS = range(-(2**31), 2**31)
_URI = r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]++|%[0-9A-Fa-f]{2})++"
_URI_REFERENCE = re.compile(_URI)
_ABSOLUTE_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+\-.]*:{_URI}")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)

_decode = msgspec.json.Decoder().decode


def read_attributes(members: Iterable[tuple[str, Raw]]) -> Attributes:
    """The attributes among the members of a sound JSON object, which must make up a CloudEvent. Raises Refusal."""
    attributes: dict[str, Any] = {}
    for name, sent in members:
        if name in DATA:
            continue
        if not _NAME.fullmatch(name):
            raise Refusal(BAD_VALUE, "Attributes have names of small letters and digits.", (name,))
        value = _decode(sent)
        if value is not None:
            _check_type(name, value)
            attributes[name] = value
    for name in ("specversion", "id", "source", "type"):
        if name not in attributes:
            raise Refusal(BAD_VALUE, f"A CloudEvent has the attribute `{name}`.", (name,))
    for name, check in _CHECKS.items():
        if name in attributes and not (isinstance(attributes[name], str) and check(attributes[name])):
            raise Refusal(BAD_TIMESTAMP if name == "time" else BAD_VALUE, _WANTED[name], (name,))
    return attributes


def _check_type(name: str, value: Any) -> None:
    if isinstance(value, str):
        if _FORBIDDEN.search(value):
            raise Refusal(BAD_VALUE, "An attribute holds no control characters and no noncharacters.", (name,))
    elif not (isinstance(value, bool) or (isinstance(value, int) and value in _INTEGERS)):
        raise Refusal(BAD_VALUE, "An attribute is a text, a boolean or an integer of 32 bits.", (name,))


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "specversion": lambda text: text == "1.0",
    "id": bool,
    "source": _URI_REFERENCE.fullmatch,
    "type": bool,
    "datacontenttype": is_media_type,
    "dataschema": _ABSOLUTE_URI.fullmatch,
    "subject": bool,
    "time": _RFC_3339.fullmatch,
}
_WANTED = {
    "specversion": "CloudEvents of version `1.0` are taken.",
    "id": "This must be a text that is not empty.",
    "source": "This must be a URI reference, with other characters percent-encoded.",
    "type": "This must be a text that is not empty.",
    "datacontenttype": "This must be a media type.",
    "dataschema": "This must be an absolute URI.",
    "subject": "This must be a text that is not empty.",
    "time": "This must be a moment as in RFC 3339, such as 2026-11-22T12:00:00Z.",
}
