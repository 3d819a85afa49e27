"""Records as CSV and as JSON lines. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

_encode = msgspec.json.encode


def csv_head(columns: Sequence[str]) -> bytes:
    return _csv([columns])


def csv_lines(records: Iterable[msgspec.Struct]) -> bytes:
    """One line each; lists and objects are JSON, what is not there is empty."""
    return _csv([_cell(value) for value in _values(record)] for record in records)


def json_lines(records: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(_encode(record) + b"\n" for record in records)


def _values(record: msgspec.Struct) -> list[Any]:
    return [getattr(record, name) for name in record.__struct_fields__]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _encode(value).decode()


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
