"""A place in the log, and the opaque text by which clients name it."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple

from infra.chassis.errors import BadRequest

_PACKED = struct.Struct(">QQ")
_TOKEN_LENGTH = 22


class Place(NamedTuple):
    """Where a log row stands: compares as the log is read."""

    xid: int
    seq: int

    def token(self) -> str:
        """The position as clients see it: URL-safe text of 22 characters."""
        return base64.urlsafe_b64encode(_PACKED.pack(*self)).rstrip(b"=").decode()

    @classmethod
    def parse(cls, token: str) -> Place:
        """Raises BadRequest (BAD_POSITION) for a text that no answer of ours has held."""
        try:
            place = cls(*_PACKED.unpack(base64.b64decode(token + "==", altchars=b"-_", validate=True)))
        except (ValueError, binascii.Error, struct.error) as error:
            raise _unknown() from error
        if place.token() != token or max(place) >= 1 << 63:  # a place has one spelling only
            raise _unknown()
        return place


def is_place(token: str) -> bool:
    """Whether a text can only be a place in the log: positions of feeds are longer."""
    return len(token) == _TOKEN_LENGTH


def _unknown() -> BadRequest:
    return BadRequest("This is not a position that Klantreis gave out.", code="BAD_POSITION")


START = Place(0, 0)
"""Before everything."""
