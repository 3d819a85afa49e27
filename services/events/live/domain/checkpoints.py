"""Behind which events of a history its state is kept."""

from __future__ import annotations

from zlib import crc32

_APART = 32  # events, on average
_SMALL = 4  # open runs


def may_be_checkpoint(key: bytes) -> bool:
    """Whether the state behind the event with this history key is kept if few runs are open there.

    Keys alone decide. If events were counted, one late event would move all later checkpoints, and there would be none
    left to meet again; and what is stored would depend on the order of arrival.
    """
    return crc32(key) % _APART == 0


def is_checkpoint(key: bytes, open_runs: int) -> bool:
    """Whether it is kept with so many runs that are open.

    A state is as large as its open runs are many, so among twice as many half as many states are kept: the bytes an
    event remain the same.
    """
    apart = _APART
    while open_runs > _SMALL:
        apart *= 2
        open_runs //= 2
    return crc32(key) % apart == 0
