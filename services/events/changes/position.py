"""Where a published change stands, and the opaque text by which clients name it."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple

from infra.chassis.errors import BadRequest

_PACKED = struct.Struct(">QQI")


class ChangePlace(NamedTuple):
    """Of one change: the place of its row, and its number among the changes of the row, from 0."""

    xid: int
    seq: int
    number: int

    def token(self) -> str:
        """The position as clients see it: URL-safe text of 27 characters."""
        return base64.urlsafe_b64encode(_PACKED.pack(*self)).rstrip(b"=").decode()

    @classmethod
    def parse(cls, token: str) -> ChangePlace:
        """Raises BadRequest (BAD_POSITION) for a text that no answer of ours has held."""
        try:
            place = cls(*_PACKED.unpack(base64.b64decode(token + "=", altchars=b"-_", validate=True)))
        except (ValueError, binascii.Error, struct.error) as error:
            raise _unknown() from error
        if place.token() != token or max(place.xid, place.seq) >= 1 << 63:  # a place has one spelling only
            raise _unknown()
        return place


def _unknown() -> BadRequest:
    return BadRequest("This is not the position of a change that Klantreis published.", code="BAD_POSITION")
