"""What is counted, and how a count is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

STATUS = "s"  # status
FURTHEST = "p"  # key of the latest phase that the instance reached
LOST = "l"  # the same, of instances that dropped off
DROP = "d"  # phase, reason and, if known, device of the first step
START = "b"  # first touchpoint
EDGE = "f"  # touchpoint, next touchpoint
END = "e"  # last touchpoint, status
CHANNEL = "c"  # channel, next channel
DEVICE = "g"  # and so on
SOURCE = "o"

_BETWEEN = "\x00"
_Name = TypeVar("_Name", str, int)


@dataclass(slots=True)
class Counts:
    """Counts by name; none is zero.

    A name is texts joined by U+0000, which no text of an event or a model can hold: of `plain` counts a kind and what
    the comment beside it says, of `gaps` a touchpoint and the next one, counted by the bucket of the time between the
    two (see domain.gaps). How often the one followed the other is among the plain counts as well, because it is read
    far more often than the time, and is one number instead of hundreds.
    """

    plain: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, dict[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.plain or self.gaps)

    def add(self, other: Counts) -> None:
        """Adds counts; with negative ones, zeros may be among the sums until they are dropped."""
        _add(self.plain, other.plain)
        for name, buckets in other.gaps.items():
            _add(self.gaps.setdefault(name, {}), buckets)

    def drop_zeros(self) -> None:
        """To tell whether there is a zero is faster than to leave it out."""
        if 0 in self.plain.values():
            self.plain = {name: count for name, count in self.plain.items() if count}
        for name, buckets in list(self.gaps.items()):
            if 0 in buckets.values():
                self.gaps[name] = {bucket: count for bucket, count in buckets.items() if count}
                if not self.gaps[name]:
                    del self.gaps[name]

    def by_kind(self) -> defaultdict[str, list[tuple[list[str], int]]]:
        """The plain counts of each kind, each with the texts of its name."""
        kinds: defaultdict[str, list[tuple[list[str], int]]] = defaultdict(list)
        for name, count in self.plain.items():
            kind, *texts = name.split(_BETWEEN)
            kinds[kind].append((texts, count))
        return kinds


def _add(total: dict[_Name, int], counts: Mapping[_Name, int]) -> None:
    held = total.get
    for name, count in counts.items():
        total[name] = held(name, 0) + count


def name_of(texts: tuple[str, ...]) -> str:
    return _BETWEEN.join(texts)
