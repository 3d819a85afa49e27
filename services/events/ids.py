"""Ids of customers and instances: digests of 16 bytes, in public written in hexadecimal."""

from __future__ import annotations

from hashlib import blake2b

from services.events.timeline.domain import message_of

_BYTES = 16


def instance_id(secret: bytes, journey: str, start_key: bytes) -> bytes:
    """From the workspace, the journey and the event that started the run: it survives merges, splits and versions."""
    text = journey.encode() + b"\x00" + message_of(start_key)
    return blake2b(text, digest_size=_BYTES, key=secret, person=b"instance").digest()


def parse_id(text: str) -> bytes | None:
    """The digest that a public id spells; None when it is no such id."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    # Ids have one spelling only: fromhex would also take capitals and blanks.
    return digest if len(digest) == _BYTES and digest.hex() == text else None
