"""Where somebody stands who is told, time after time, what is new of what they may be told.

What is told is the difference of two states, so a position names a state: how far the log had been read, and what time
it was. Behind an item within a difference it names both states, and how many of the items between them were told.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from infra.chassis.errors import BadRequest
from services.events.intake.position import Place
from services.events.timeline.domain import Microseconds

_WIDTH = 7  # bytes of each number but the last: 64 characters are all that a position may have
_LIMIT = 1 << (8 * _WIDTH)
_TOLD_WIDTH = 4
_STATE_ENDS = 1 + 3 * _WIDTH
_WITHIN_ENDS = _STATE_ENDS + 3 * _WIDTH + _TOLD_WIDTH


class State(NamedTuple):
    place: Place
    clock: Microseconds

    def pack(self) -> bytes:
        return b"".join(number.to_bytes(_WIDTH) for number in (*self.place, self.clock))

    @classmethod
    def unpack(cls, packed: bytes) -> State:
        xid, seq, clock = (int.from_bytes(packed[at : at + _WIDTH]) for at in range(0, 3 * _WIDTH, _WIDTH))
        return cls(Place(xid, seq), clock)


class Within(NamedTuple):
    """In a difference, behind so many of its items. Behind the last one is another state: see `Position.told_to`."""

    until: State
    told: int


class Position(NamedTuple):
    since: State
    within: Within | None = None

    @classmethod
    def told_to(cls, since: State, until: State, told: int, items: int) -> Position:
        """Behind so many of all items of a difference."""
        return cls(until) if told == items else cls(since, Within(until, told))

    def token(self, tag: bytes) -> str:
        """URL-safe text of 30 or 63 characters; `tag` is one byte that tells those of one feed from another's."""
        packed = tag + self.since.pack()
        if self.within is not None:
            packed += self.within.until.pack() + self.within.told.to_bytes(_TOLD_WIDTH)
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def parse(cls, token: str, tag: bytes) -> Position:
        """Raises BadRequest (BAD_POSITION) for a text that no answer of this feed has held."""
        try:
            packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise unknown() from error
        if len(packed) not in (_STATE_ENDS, _WITHIN_ENDS):
            raise unknown()
        within = None
        if len(packed) == _WITHIN_ENDS:
            within = Within(State.unpack(packed[_STATE_ENDS:]), int.from_bytes(packed[-_TOLD_WIDTH:]))
        position = cls(State.unpack(packed[1:]), within)
        if position.token(tag) != token:  # one spelling only
            raise unknown()
        return position


def can_be_told(place: Place) -> bool:
    """Whether a position can name the place: all that there will ever be, but not all that a client may make up."""
    return max(place) < _LIMIT


def unknown() -> BadRequest:
    return BadRequest("This is not a position that Klantreis gave out here.", code="BAD_POSITION")
