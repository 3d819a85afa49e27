"""What a column of a table becomes in an event, written as `identifiers.user_id` or `properties.total:number`.

Pure. A *target* is a member of an event (`name`, `occurredAt`, `messageId`, `kind`, `channel`, `device`, `sequence`,
`source`), all of `identifiers`, `properties`, `context` or `traits` as JSON, or one part of these.
"""

from __future__ import annotations

from typing import NamedTuple

from infra.local.history.failures import BadMapping
from infra.local.history.values import CONVERSIONS

IGNORED = "ignore"
OBJECTS = ("properties", "context", "traits")
_WHOLE = ("name", "occurredAt", "messageId", "kind", "channel", "device", "sequence", "source")


class Target(NamedTuple):
    member: str
    inner: str | None = None
    """The type of an identifier, or the name of a property, a trait or a part of the context."""
    type: str | None = None
    """What the text means, one of CONVERSIONS; None: itself."""

    @property
    def place(self) -> str:
        """Where the value goes, whatever it means."""
        return self.member if self.inner is None else f"{self.member}.{self.inner}"

    def __str__(self) -> str:
        return self.place if self.type is None else f"{self.place} ({self.type})"


def read_target(text: str) -> Target | None:
    """None for a column that is left out. Raises BadMapping."""
    if text == IGNORED:
        return None
    name, colon, type = text.rpartition(":")
    if not colon or type not in CONVERSIONS:
        name, type = text, ""
    member, dot, inner = name.partition(".")
    if member in ("identifiers", *OBJECTS):
        if inner:
            return Target(member, inner, type or None)
        if not dot:
            return Target(member, None, "json")
    elif member in _WHOLE and not dot:
        return Target(member, None, type or ("integer" if member == "sequence" else None))
    known = ", ".join([*_WHOLE, "identifiers.TYPE", *(f"{one}.NAME" for one in OBJECTS), IGNORED])
    types = ", ".join(CONVERSIONS)
    raise BadMapping(f"A column cannot become {text!r}. It may become {known}; behind a colon one of {types}.")
