"""Behind which events of a history its state is kept."""

from __future__ import annotations

from zlib import crc32

_APART = 32  # events, on average


def is_checkpoint(key: bytes) -> bool:
    """Whether the state behind the event with this history key is kept.

    The key alone decides. If events were counted, one late event would move all later checkpoints, and there would be
    none left to meet again; and what is stored would depend on the order of arrival.
    """
    return crc32(key) % _APART == 0
