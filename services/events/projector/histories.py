"""Histories that are read together, as far as they fit."""

from __future__ import annotations

from services.events.intake.slots import size_of
from services.events.timeline.entry import Entry


class Histories:
    """Of some customers, by number. Events come in any order; if all of them say more than `most_bytes`, the customers
    with the highest numbers are given up, but never the first one."""

    def __init__(self, customers: int, most_bytes: int | None) -> None:
        self.entries: list[list[Entry]] = [[] for _ in range(customers)]
        """Of those that are not given up."""
        self._most = most_bytes
        self._said = [0] * customers
        self._total = 0

    def add(self, customer: int, entry: Entry) -> None:
        if customer >= len(self.entries):
            return
        self.entries[customer].append(entry)
        if self._most is None:
            return
        size = size_of(entry.recorded)
        self._said[customer] += size
        self._total += size
        while self._total > self._most and len(self.entries) > 1:
            self.entries.pop()
            self._total -= self._said[len(self.entries)]
