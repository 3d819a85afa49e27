"""What compiled rules call for values whose kind shows only with the event. Nothing here raises, whatever JSON holds.

A failed operation answers MISSING, which no operation accepts, so it travels up to the comparison and makes it false.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from infra.chassis.durations import parse_duration
from infra.rules.kinds import Kind


class _Missing:
    """The type of MISSING."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

TYPES: Final[dict[type, Kind]] = {
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.DOUBLE,
    str: Kind.STRING,
    bytes: Kind.BYTES,
    type(None): Kind.NULL,
    list: Kind.LIST,
    dict: Kind.MAP,
    MappingProxyType: Kind.MAP,
    timedelta: Kind.DURATION,
    datetime: Kind.TIMESTAMP,
}
"""Exact types: true is no number although Python's bool is an int."""
CONTAINERS: Final = frozenset({list, dict, MappingProxyType})

# Groups of like types, by type; spelled as numbers because they are compared for every value.
_GROUP: Final = {kind: (Kind.INT if found is Kind.DOUBLE else found).value for kind, found in TYPES.items()}
_ORDERED: Final = frozenset({bool, int, float, str, bytes, timedelta, datetime})
_SIZED: Final = CONTAINERS | {str, bytes}


def equal(left: Any, right: Any) -> bool:
    """`left == right`: false for unlike types; deep, and without recursion, for lists and maps."""
    pairs = [(left, right)]
    while pairs:
        a, b = pairs.pop()
        group = _GROUP.get(type(a))
        if group is None or group != _GROUP.get(type(b)):
            return False
        if group == Kind.LIST.value:
            if len(a) != len(b):
                return False
            pairs.extend(zip(a, b, strict=True))
        elif group == Kind.MAP.value:
            if a.keys() != b.keys():
                return False
            pairs.extend((a[key], b[key]) for key in a)
        elif a != b:
            return False
    return True


def unequal(left: Any, right: Any) -> bool:
    """`left != right`: like types, and not equal."""
    group = _GROUP.get(type(left))
    return group is not None and group == _GROUP.get(type(right)) and not equal(left, right)


def less(left: Any, right: Any) -> bool:
    """`left < right`, false for types that are unlike or have no order."""
    return _ordered(left, right) and bool(left < right)


def less_equal(left: Any, right: Any) -> bool:
    """`left <= right`, false for types that are unlike or have no order."""
    return _ordered(left, right) and bool(left <= right)


def _ordered(left: Any, right: Any) -> bool:
    return type(left) in _ORDERED and _GROUP[type(left)] == _GROUP.get(type(right))


def member(item: Any, container: Any) -> bool:
    """`item in container`: an element of a list, or a key of a map."""
    if type(container) is list:
        if type(item) is str:
            return item in container  # a string equals nothing but a string, so the fast search is exact
        return any(equal(item, element) for element in container)
    return type(item) is str and type(container) in CONTAINERS and item in container


def index(target: Any, key: Any) -> Any:
    """`target[key]`: an element of a list, counted from 0, or a field of a map."""
    if type(key) is str and type(target) in CONTAINERS and type(target) is not list:
        return target.get(key, MISSING)
    if type(key) is int and type(target) is list and 0 <= key < len(target):
        return target[key]
    return MISSING


def size(value: Any) -> Any:
    """Characters of a string, elements of a list, keys of a map, bytes."""
    return len(value) if type(value) in _SIZED else MISSING


def list_of(*items: Any) -> Any:
    """The list of these, unless one is missing."""
    return MISSING if any(item is MISSING for item in items) else list(items)


# --- time

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339
_AMOUNT = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)", re.ASCII)
_DURATION = re.compile(rf"[+-]?(?:{_AMOUNT.pattern})+", re.ASCII)
_MICROSECONDS: Final = {
    "h": Decimal(3_600_000_000),
    "m": Decimal(60_000_000),
    "s": Decimal(1_000_000),
    "ms": Decimal(1_000),
    "us": Decimal(1),
    "µs": Decimal(1),
    "ns": Decimal("0.001"),
}
_MAX_TIME_LENGTH: Final = 64


def timestamp(text: Any) -> Any:
    """The moment that RFC 3339 text names, to the microsecond, in UTC."""
    if type(text) is not str or len(text) > _MAX_TIME_LENGTH or not (parts := _TIMESTAMP.fullmatch(text)):
        return MISSING
    day, time, fraction, zone = parts.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):  # February 30; year 1 east of Greenwich
        return MISSING


def duration(text: Any) -> Any:
    """The length of time that text such as "1h30m", "-1.5s" or, in ISO 8601, "P30D" names, to the microsecond."""
    if type(text) is not str or len(text) > _MAX_TIME_LENGTH:
        return MISSING
    if text.startswith("P"):
        return _iso_duration(text)
    if not _DURATION.fullmatch(text):
        return MISSING
    total = sum(Decimal(number) * _MICROSECONDS[unit] for number, unit in _AMOUNT.findall(text))
    try:
        return timedelta(microseconds=int(-total if text[0] == "-" else total))
    except OverflowError:
        return MISSING


def _iso_duration(text: str) -> Any:
    try:
        return timedelta(microseconds=parse_duration(text))
    except (ValueError, OverflowError):
        return MISSING


# --- arithmetic


def _fits(number: int) -> bool:
    """Within CEL's int and uint together."""
    return -(2**63) <= number < 2**64


def _whole(compute: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """`compute` within 64 bits, so that no chain of products can grow."""

    def checked(left: int, right: int) -> int:
        if _fits(left) and _fits(right) and _fits(result := compute(left, right)):
            return result
        raise OverflowError

    return checked


def _quotient(left: int, right: int) -> int:
    """Towards zero, as CEL has it."""
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def _ratio(left: float, right: float) -> float:
    """As IEEE 754 has it, and so CEL: division of doubles by zero is no error."""
    if right:
        return left / right
    return math.copysign(math.inf, left) * math.copysign(1, right) if left else math.nan


Overload = tuple[Kind, Callable[[Any, Any], Any]]


def _numbers(compute: Callable[[Any, Any], Any], whole: Callable[[int, int], int]) -> dict[tuple[Kind, Kind], Overload]:
    return {
        (Kind.INT, Kind.INT): (Kind.INT, _whole(whole)),
        (Kind.INT, Kind.DOUBLE): (Kind.DOUBLE, compute),
        (Kind.DOUBLE, Kind.INT): (Kind.DOUBLE, compute),
        (Kind.DOUBLE, Kind.DOUBLE): (Kind.DOUBLE, compute),
    }


OVERLOADS: Final[dict[str, dict[tuple[Kind, Kind], Overload]]] = {
    "+": {
        **_numbers(operator.add, operator.add),
        (Kind.STRING, Kind.STRING): (Kind.STRING, operator.add),
        (Kind.BYTES, Kind.BYTES): (Kind.BYTES, operator.add),
        (Kind.LIST, Kind.LIST): (Kind.LIST, operator.add),
        (Kind.TIMESTAMP, Kind.DURATION): (Kind.TIMESTAMP, operator.add),
        (Kind.DURATION, Kind.TIMESTAMP): (Kind.TIMESTAMP, operator.add),
        (Kind.DURATION, Kind.DURATION): (Kind.DURATION, operator.add),
    },
    "-": {
        **_numbers(operator.sub, operator.sub),
        (Kind.TIMESTAMP, Kind.DURATION): (Kind.TIMESTAMP, operator.sub),
        (Kind.TIMESTAMP, Kind.TIMESTAMP): (Kind.DURATION, operator.sub),
        (Kind.DURATION, Kind.DURATION): (Kind.DURATION, operator.sub),
    },
    "*": _numbers(operator.mul, operator.mul),
    "/": _numbers(_ratio, _quotient),
    "%": {(Kind.INT, Kind.INT): (Kind.INT, _whole(lambda a, b: a - b * _quotient(a, b)))},
}
"""By operator and the kinds of its sides: the kind of the result, and what computes it."""


def _arithmetic(overloads: Mapping[tuple[Kind, Kind], Overload]) -> Callable[[Any, Any], Any]:
    functions = {
        (left_type, right_type): overloads[left, right][1]
        for left_type, left in TYPES.items()
        for right_type, right in TYPES.items()
        if (left, right) in overloads
    }

    def apply(left: Any, right: Any) -> Any:
        function = functions.get((type(left), type(right)))
        if function is None:
            return MISSING
        try:
            return function(left, right)
        except ArithmeticError:  # division by zero, overflow
            return MISSING

    return apply


ARITHMETIC: Final = {symbol: _arithmetic(overloads) for symbol, overloads in OVERLOADS.items()}


def negate(value: Any) -> Any:
    """`-value`"""
    return ARITHMETIC["-"](0, value) if type(value) is int else -value if type(value) is float else MISSING
