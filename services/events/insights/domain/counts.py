"""What is counted, and how a count is named.

A name is a kind and texts, joined by U+0000, which no text of an event or a model can hold. Under each name stand
counts by number: the bucket of a gap (see gaps), or 0 for kinds that have none.
"""

from __future__ import annotations

STATUS = "s"  # status
FURTHEST = "p"  # key of the latest phase that the instance reached
LOST = "l"  # the same, of instances that dropped off
DROP = "d"  # phase, reason and, if known, device of the first step
START = "b"  # first touchpoint
FLOW = "f"  # touchpoint, next touchpoint; by the time between them
END = "e"  # last touchpoint, status
CHANNEL = "c"  # channel, next channel
DEVICE = "g"  # and so on
SOURCE = "o"

Counts = dict[str, dict[int, int]]
"""By name and number; none is zero and no name stands without counts."""


def add(total: Counts, more: Counts) -> None:
    """Adds counts that are not negative to a total. Takes over parts of `more`."""
    for name, numbers in more.items():
        held = total.setdefault(name, numbers)
        if held is not numbers:
            for number, count in numbers.items():
                held[number] = held.get(number, 0) + count
