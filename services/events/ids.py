"""Public ids of customers and instances: the 16 bytes of their digests in hexadecimal."""

from __future__ import annotations

_BYTES = 16


def parse_id(text: str) -> bytes | None:
    """The digest that a public id spells; None when it is no such id."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    # Ids have one spelling only: fromhex would also take capitals and blanks.
    return digest if len(digest) == _BYTES and digest.hex() == text else None
