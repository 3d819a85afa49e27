"""Lengths of time as numbers of buckets: counts per bucket can be added and subtracted, and a median read from them.

Bit arithmetic on whole microseconds, no logarithms: the same gap falls into the same bucket on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.events.timeline.domain import Microseconds

_BITS = 5  # an octave is cut into 32 buckets, so a middle is off by at most 1/64 of what it stands for
_EXACT = 2 << _BITS  # gaps below it are their own buckets
_READABLE = 125  # rounding to one part in so many moves a value by at most 0.4 %
_UNITS = (3_600_000_000, 60_000_000, 1_000_000, 1_000)


def bucket_of(gap: Microseconds) -> int:
    """The bucket of a length of time that is not negative; longer ones never have lower numbers."""
    shift = gap.bit_length() - (_BITS + 1)
    return (shift << _BITS) + (gap >> shift) if shift > 0 else gap


def middle_of(bucket: int) -> Microseconds:
    """The length in the middle of a bucket."""
    if bucket < _EXACT:
        return bucket
    shift = (bucket >> _BITS) - 1
    return ((bucket - (shift << _BITS)) << shift) + (1 << (shift - 1))


def median(histogram: Mapping[int, int]) -> Microseconds:
    """The median of what was counted per bucket (of an even number the mean of the middle two), for people to read.

    At most 2 % from the exact one: what the bucket hides, and a rounding to whole hours, minutes, seconds or
    milliseconds where those are fine enough.
    """
    count = sum(histogram.values())
    buckets = sorted(histogram.items())
    value = (_at(buckets, (count - 1) // 2) + _at(buckets, count // 2)) // 2
    unit = next((unit for unit in _UNITS if value >= _READABLE * unit), 1)
    return (value + unit // 2) // unit * unit


def _at(buckets: list[tuple[int, int]], place: int) -> Microseconds:
    """The middle of the bucket that holds the value at a place in ascending order, from 0."""
    for bucket, count in buckets:
        place -= count
        if place < 0:
            return middle_of(bucket)
    raise ValueError("there are fewer values than that")
