"""Where an item stands in a feed, and the opaque text by which clients name it."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import ClassVar, NamedTuple, Self

from infra.chassis.errors import BadRequest

_PACKED = struct.Struct(">cQQI")


class _Place(NamedTuple):
    xid: int
    seq: int
    number: int


class FeedPlace(_Place):
    """The place of a row, and the number of an item within it, from 0. Compares as the feed is read."""

    __slots__ = ()
    tag: ClassVar[bytes]
    """One byte that tells the positions of one feed from those of another."""

    def token(self) -> str:
        """The position as clients see it: URL-safe text of 34 characters. Of one feed, texts sort as places do."""
        return base64.b32hexencode(_PACKED.pack(self.tag, *self)).rstrip(b"=").decode()

    @classmethod
    def parse(cls, token: str) -> Self:
        """Raises BadRequest (BAD_POSITION) for a text that no answer of this feed has held."""
        try:
            tag, *numbers = _PACKED.unpack(base64.b32hexdecode(token + "=" * (-len(token) % 8)))
        except (ValueError, binascii.Error, struct.error) as error:
            raise _unknown() from error
        place = cls(*numbers)
        if tag != cls.tag or place.token() != token or max(place.xid, place.seq) >= 1 << 63:  # one spelling only
            raise _unknown()
        return place


def _unknown() -> BadRequest:
    return BadRequest("This is not a position that Klantreis gave out here.", code="BAD_POSITION")
