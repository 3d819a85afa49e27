"""Who comes to the simulated shop. Pure: chance is given, and the same for the same seed and number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from infra.demo.shop import DEVICES, SEGMENTS, Device

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Customer:
    key: str
    """Also the user id; it begins with `sim-`, so nobody takes it for a real one's."""
    segment: str
    device: Device

    @property
    def email(self) -> str:
        return f"{self.key}@simulated.example"

    @property
    def traits(self) -> dict[str, object]:
        return {"email": self.email, "segment": self.segment, "simulated": True}

    def browser(self, device: Device) -> str:
        """The anonymous id on a device."""
        return f"{self.key}-{device.source.removeprefix('sim-')}-{device.kind}"


def chance_of(seed: str, number: int) -> Random:
    """All that is left to chance in the life of one customer; nobody else's depends on it."""
    return Random(f"{seed}/{number}")


def draw_customer(seed: str, number: int, chance: Random) -> Customer:
    return Customer(f"sim-{seed}-{number:05}", drawn(chance, SEGMENTS), drawn(chance, DEVICES))


def drawn(chance: Random, shares: Mapping[T, float]) -> T:
    """One of them, each as likely as its share of the sum."""
    [found] = chance.choices(list(shares), weights=list(shares.values()))
    return found


def drawn_or_none(chance: Random, shares: Mapping[T, float]) -> T | None:
    """The same, where what is left of 1 is likely to be none of them."""
    likely: dict[T | None, float] = dict(shares.items())
    return drawn(chance, likely | {None: 1 - sum(shares.values())})
