from __future__ import annotations

from typing import Any


class Place:
    """Where a value stands in the answer: at `key` of `holder`, which is the value at the place `up`.

    What has been `lost` is null for good, by an error in it or inside of it: nothing that arrives later is put there.
    """

    __slots__ = ("holder", "key", "lost", "nullable", "up")

    def __init__(self, up: Place | None, key: str | int, holder: Any, nullable: bool) -> None:
        self.up = up
        self.key = key
        self.holder = holder
        self.nullable = nullable
        self.lost = False

    def path(self) -> list[str | int]:
        """Response names and indices, outermost first; the root has none."""
        keys: list[str | int] = []
        place = self
        while place.up is not None:
            keys.append(place.key)
            place = place.up
        return keys[::-1]

    def is_lost(self) -> bool:
        place: Place | None = self
        while place is not None:
            if place.lost:
                return True
            place = place.up
        return False

    def nearest_nullable(self) -> Place:
        """This one, or the innermost around it that may be null; the root may."""
        place = self
        while not place.nullable and place.up is not None:
            place = place.up
        return place
