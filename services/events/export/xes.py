"""Traces as XES (IEEE 1849-2016, version 1.0 of the format, which every tool reads). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

Attributes = Mapping[str, Any]
"""By key. What is None is left out; lists and objects are written as JSON."""

HEAD = b"""<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event">
<string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00Z"/>
</global>
<classifier name="Event Name" keys="concept:name"/>
"""
TRACE_END = b"</trace>\n"
TAIL = b"</log>\n"

_LONG = 1 << 63
_ESCAPED = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def trace_start(attributes: Attributes) -> bytes:
    return f"<trace>\n{_written(attributes)}\n".encode()


def event(name: str, occurred_at: str, attributes: Attributes) -> bytes:
    """`occurred_at` as RFC 3339 has it."""
    when = f'<date key="time:timestamp" value="{occurred_at}"/>'
    return f"<event>{_attribute('concept:name', name)}{when}{_written(attributes)}</event>\n".encode()


def members(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an object as attributes."""
    return {f"{prefix}.{name}": value for name, value in values.items()}


def _written(attributes: Attributes) -> str:
    return "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)


def _attribute(key: str, value: Any) -> str:
    type, text = _typed(value)
    return f'<{type} key="{_escape(key)}" value="{_escape(text)}"/>'


def _typed(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return "string", value
    if isinstance(value, bool):
        return "boolean", "true" if value else "false"
    if isinstance(value, int) and -_LONG <= value < _LONG:
        return "int", str(value)
    if isinstance(value, float):
        return "float", repr(value)
    return "string", msgspec.json.encode(value).decode()


def _escape(text: str) -> str:
    """A character that XML cannot hold becomes U+FFFD."""
    return _NO_XML.sub("\ufffd", text).translate(_ESCAPED)
