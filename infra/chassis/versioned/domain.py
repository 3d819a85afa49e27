"""Keys, versions, and when each is in force. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from infra.chassis.errors import Flaw, Invalid

ALWAYS = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z in microseconds, the earliest moment there is: what takes effect then always did."""

KEY = r"^[a-z0-9][a-z0-9._-]*$"
LONGEST_KEY = 64


class Status(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


def is_key(text: str) -> bool:
    """Whether a text can be a key; nothing is ever found under another one."""
    return len(text) <= LONGEST_KEY and re.fullmatch(KEY, text) is not None


@dataclass(frozen=True, slots=True)
class Publication:
    """The number of a version, and the moments (microseconds) of its publishing and from which it is in force."""

    version: int
    published_at: int
    effective_from: int


def publication(last: Publication | None, requested: int | None, now: int) -> Publication:
    """The first version is in force always; a later one from now, or from the earlier moment `requested`.

    A clock that stepped back never makes a version older than the one before it.
    Raises Invalid (EFFECTIVE_FROM_IN_FUTURE) when `requested` is later than now.
    """
    if requested is not None and requested > now:
        message = "A version takes effect now or from an earlier moment, never from a later one."
        flaw = Flaw("EFFECTIVE_FROM_IN_FUTURE", message, ("effectiveFrom",))
        raise Invalid(message, code=flaw.code, errors=[flaw])
    if last is None:
        return Publication(1, now, ALWAYS)
    published_at = max(now, last.published_at)
    return Publication(last.version + 1, published_at, published_at if requested is None else requested)


def status(superseded_from: int | None) -> Status:
    """The version published last is PUBLISHED, every other one RETIRED. See `effective_until` for the argument."""
    return Status.PUBLISHED if superseded_from is None else Status.RETIRED


def effective_until(effective_from: int, superseded_from: int | None) -> int | None:
    """The moment at which a version stops being in force; None while no later version was published.

    In force at a moment is, of the versions with effective_from at or before it, the one published last. So a version
    is in force in [effective_from, effective_until) with effective_until = max(effective_from, superseded_from), where
    `superseded_from` is the earliest effective_from among the versions published after it. A version that a later one
    hides completely has an empty interval: it ends where it begins.
    """
    return None if superseded_from is None else max(effective_from, superseded_from)
