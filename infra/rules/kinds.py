"""What an expression can turn out to be, as a set of kinds: enough typing for values that come from JSON.

`properties.total` may be anything JSON has, or be missing; `name` is a string. An operation is impossible, and refused
when the rule is authored, if no choice of kinds makes it succeed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final


class Kind(Flag):
    """A set of kinds; MISSING stands for an absent field and for a failed operation on one."""

    BOOL = auto()
    INT = auto()
    DOUBLE = auto()
    STRING = auto()
    BYTES = auto()
    NULL = auto()
    LIST = auto()
    MAP = auto()
    DURATION = auto()
    TIMESTAMP = auto()
    MISSING = auto()


NOTHING: Final = Kind(0)
NUMBER: Final = Kind.INT | Kind.DOUBLE
ELEMENT: Final = Kind.BOOL | NUMBER | Kind.STRING | Kind.NULL | Kind.LIST | Kind.MAP
"""What JSON has."""
FIELD: Final = ELEMENT | Kind.MISSING
TEXT: Final = Kind.STRING | Kind.MISSING
ANYTHING: Final = ~NOTHING
ORDERED: Final = Kind.BOOL | NUMBER | Kind.STRING | Kind.BYTES | Kind.DURATION | Kind.TIMESTAMP

VARIABLES: Final[dict[str, Kind]] = {
    "kind": Kind.STRING,
    "name": Kind.STRING,
    "channel": TEXT,
    "device": TEXT,
    "source": Kind.STRING,
    "properties": Kind.MAP,
    "context": Kind.MAP,
    "traits": Kind.MAP,
}
"""The variables over one event. Macro variables never have one of these names, whatever a rule is about."""

HISTORY: Final = {"count": Kind.INT, "seen": Kind.BOOL, "since": Kind.DURATION | Kind.MISSING}
"""The functions of what a customer did, by name, and what they give."""
JOURNEY_STATE: Final = ("phase", "status")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules of one sort can speak of."""

    subject: str
    variables: Mapping[str, Kind]
    functions: Mapping[str, Kind]


OF_EVENT: Final = Vocabulary("one event", VARIABLES, {})
OF_CUSTOMER: Final = Vocabulary("a customer", {"traits": Kind.MAP}, HISTORY)

_LIKE: Final = {
    Kind.BOOL: "true or false",
    NUMBER: "a number",
    Kind.STRING: "a string",
    Kind.BYTES: "bytes",
    Kind.NULL: "null",
    Kind.LIST: "a list",
    Kind.MAP: "a map",
    Kind.DURATION: "a duration",
    Kind.TIMESTAMP: "a timestamp",
}
"""The groups whose members compare with each other, and how to speak of them."""


def alike(left: Kind, right: Kind, among: Kind = ANYTHING) -> bool:
    """Whether the two can be of like types, all numbers being alike."""
    return any(group & among and left & group and right & group for group in _LIKE)


def certain(kinds: Kind) -> Kind | None:
    """The one group of like types that `kinds` surely belongs to, or None if that is seen only with the value."""
    return next((group for group in _LIKE if kinds and kinds | group == group), None)


def describe(kinds: Kind) -> str:
    """For messages: "a string", "a number or a list"."""
    return " or ".join(words for group, words in _LIKE.items() if kinds & group) or "nothing"
