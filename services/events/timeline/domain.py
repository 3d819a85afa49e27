"""What a touchpoint event is to the rest of the house, and the one order in which histories are read.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Protocol

Microseconds = int
"""A moment as microseconds since 1970-01-01T00:00:00Z, or a length of time in microseconds."""

_KIND_RANK = {"identify": 0, "alias": 1, "group": 2, "page": 3, "screen": 3, "track": 4}
_SIGN = 1 << 63
_HEAD = struct.Struct(">QBQB")
_MOMENT = struct.Struct(">Q")  # the start of it

KIND_AT = _HEAD.size - 1
"""Where in a history key the rank of the event's kind stands, in one byte: other kinds need not be read at all."""
IDENTIFY = bytes([_KIND_RANK["identify"]])
SOURCE_AT = _HEAD.size
"""Where in it the source stands, which ends with a zero."""


BEGINNING, END = b"", b"\xff"
"""Before and behind every history key (see `history_key`)."""


class Event(Protocol):
    """One immutable fact, as rules, the fold and readers see it.

    `channel` and `device` are None when unknown; to a rule such a variable is missing.
    """

    @property
    def id(self) -> str: ...  # unique within its workspace

    @property
    def key(self) -> bytes: ...  # see history_key

    @property
    def occurred_at(self) -> Microseconds: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> str | None: ...

    @property
    def device(self) -> str | None: ...

    @property
    def source(self) -> str: ...

    @property
    def message_id(self) -> str: ...

    @property
    def properties(self) -> Mapping[str, Any]: ...

    @property
    def context(self) -> Mapping[str, Any]: ...

    @property
    def traits(self) -> Mapping[str, Any]: ...


def history_key(occurred_at: Microseconds, sequence: int | None, kind: str, source: str, message_id: str) -> bytes:
    """The place of an event in every history it is part of; comparing two keys as bytes is comparing the events.

    The order is (moment; with a sequence before without; sequence; kind; source; message id), texts by code point,
    which for UTF-8 is the order of the bytes. Because source and message id are inside, a key is unique within a
    workspace, and it is the storage order of timelines: sorting, paging and `asOf` are range scans.
    """
    has_none = 1 if sequence is None else 0
    head = _HEAD.pack(occurred_at + _SIGN, has_none, (sequence or 0) + _SIGN, _KIND_RANK[kind])
    return b"".join((head, source.encode(), b"\x00", message_id.encode()))


def occurred_at_of(key: bytes) -> Microseconds:
    """The moment inside a history key."""
    moment: int = _HEAD.unpack_from(key)[0]
    return moment - _SIGN


def message_of(key: bytes) -> bytes:
    """What names the event inside a history key: its source, a zero and its message id."""
    return key[_HEAD.size :]


def source_of(key: bytes) -> str:
    """The source inside a history key."""
    return key[_HEAD.size : key.index(b"\x00", _HEAD.size)].decode()


def first_key_at(moment: Microseconds) -> bytes:
    """A bound of history keys: those of the moment and of later ones are above it, those of earlier ones below."""
    return _MOMENT.pack(moment + _SIGN)
