"""The scalars of the contract. In Python they are what they are on the wire, so nothing is lost on the way through."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from infra.chassis.clock import from_datetime, to_rfc3339

DateTime = NewType("DateTime", str)
Duration = NewType("Duration", str)
Position = NewType("Position", str)
JSON = NewType("JSON", object)

_DEEPEST = 256  # within Python's recursion limit on the way on; the services allow less
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>[Zz]|[+-]\d\d:\d\d)?"
)
_DURATION = re.compile(r"P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?", re.ASCII)


def parse_moment(value: object) -> DateTime:
    """RFC 3339 text as the same moment in UTC, to the microsecond; without a zone it is UTC, as in intake."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise GraphQLError("A DateTime is RFC 3339 text, such as 2026-11-22T05:30:00Z.")
    zone = match["zone"] or "Z"
    text = f"{match['date']}T{match['time']}.{(match['fraction'] or '0')[:6]:0<6}{zone.upper().replace('Z', '+00:00')}"
    try:
        return DateTime(to_rfc3339(from_datetime(datetime.fromisoformat(text))))
    except (ValueError, OverflowError) as error:
        raise GraphQLError("A DateTime names a moment that exists, between the years 1 and 9999.") from error


def parse_duration(value: object) -> Duration:
    """ISO 8601 text, unchanged; what a year or a month means is decided by the service that uses it."""
    if not isinstance(value, str) or _DURATION.fullmatch(value) is None:
        raise GraphQLError('A Duration is ISO 8601 text, such as "P3D" or "PT1H30M".')
    return Duration(value)


def _parse_position(value: object) -> Position:
    if not isinstance(value, str):
        raise GraphQLError("A Position is text, as an answer to a write gave it.", extensions={"code": "BAD_POSITION"})
    return Position(value)


def _parse_json(value: object) -> JSON:
    level = [value]
    for _ in range(_DEEPEST):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return JSON(value)
    raise GraphQLError(f"JSON may be nested {_DEEPEST} levels deep.", extensions={"code": "BAD_VALUE"})


def _unchanged(value: object) -> object:
    return value


def _scalar(name: str, description: str, parse: Callable[[object], object]) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=_unchanged, parse_value=parse)


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: _scalar("DateTime", "A moment: RFC 3339 in UTC.", parse_moment),
    Duration: _scalar("Duration", 'A length of time: ISO 8601, such as "P3D".', parse_duration),
    JSON: _scalar("JSON", "Any JSON value, unchanged, integers of any size included.", _parse_json),
    Position: _scalar("Position", "An opaque place in the log.", _parse_position),
}
