"""The free-form parts of an event: bytes kept as they were sent, values looked into once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from services.events.intake.domain.values import BAD_VALUE, Path, Refusal, decode_leniently, find_flaw, too_deep

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it does not take."""

ABSENT = Raw()
NOTHING: Mapping[str, Any] = {}

_NULL = b"null"
_members = msgspec.json.Decoder(dict[str, Any])
_raw_members = msgspec.json.Decoder(dict[str, Raw])


def sent_object(raw: Raw) -> bytes:
    """The bytes of an object; empty if it is absent or null."""
    if raw is ABSENT:
        return b""
    sent = bytes(raw)
    return b"" if sent == _NULL else sent


def read_object(sent: bytes, *path: str) -> Mapping[str, Any]:
    """The members of a JSON object. Decoding it wholly is what proves that it can be decoded later.

    Raises Refusal (BAD_VALUE) for what is no object, or holds a value that cannot be kept.
    """
    if not sent:
        return NOTHING
    try:
        members: Mapping[str, Any] = _members.decode(sent)
    except UNDECODABLE as error:
        raise explain(sent, path) from error
    return members


def member_of(sent: bytes, name: str) -> bytes:
    """One member of a sound JSON object, as it was sent."""
    return bytes(_raw_members.decode(sent)[name])


def overlay(below: bytes, above: bytes) -> bytes:
    """The members of two sound JSON objects, those of `above` where both have one; bytes stay as they are."""
    if not below or not above:
        return below or above
    return msgspec.json.encode(_raw_members.decode(below) | _raw_members.decode(above))


def flaw_in(sent: bytes, path: Path = ()) -> Refusal | None:
    """What an event may not hold in a piece of JSON whose syntax is known to be sound."""
    try:
        value, _end = decode_leniently(sent.decode(errors="surrogateescape").lstrip(" \t\r\n"))
    except (RecursionError, ValueError):  # unsound syntax passes as sound only inside what is too deep to be read
        return too_deep(path)
    return find_flaw(value, path)


def explain(sent: bytes, path: Path = (), otherwise: str = "This must be an object.") -> Refusal:
    """Why msgspec does not take such a piece of JSON."""
    return flaw_in(sent, path) or Refusal(BAD_VALUE, otherwise, path)
