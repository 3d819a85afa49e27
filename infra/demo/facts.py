"""The simulation's own books: what it made happen, to be compared with what the platform says. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Checkout(NamedTuple):
    """Somebody went through the checkout, or did not come to its end."""

    device: str
    phase: str
    """The last one, a phase of the map of the checkout."""
    reason: str | None
    """Why it was left; None: ordered."""


class Ordered(NamedTuple):
    order: str
    category: str
    channel: str


class Undone(NamedTuple):
    """An order that was cancelled or returned."""

    order: str
    status: str
    reason: str
    """As the platform names it."""


class Hop(NamedTuple):
    """From one channel to another, on one journey."""

    from_: str
    to: str


class Complained(NamedTuple):
    ticket: str


class Solved(NamedTuple):
    ticket: str


Fact: TypeAlias = Checkout | Ordered | Undone | Hop | Complained | Solved


class Ledger:
    """All facts of some visits, added up."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        found = list(facts)
        self.checkouts = Counter(fact for fact in found if isinstance(fact, Checkout))
        self.hops = Counter(fact for fact in found if isinstance(fact, Hop))
        self.orders = {fact.order: fact for fact in found if isinstance(fact, Ordered)}
        self.undone = {fact.order: fact for fact in found if isinstance(fact, Undone)}
        self.complaints = {fact.ticket for fact in found if isinstance(fact, Complained)}
        self.solved = {fact.ticket for fact in found if isinstance(fact, Solved)}
        self.reasons = Counter((fact.status, fact.reason) for fact in self.undone.values())

    def share_lost(self, device: str, reason: str) -> float:
        """Of the checkouts on such a device, how many were left for that reason."""
        there = {run: count for run, count in self.checkouts.items() if run.device == device}
        return sum(count for run, count in there.items() if run.reason == reason) / sum(there.values())

    def share_returned(self, category: str) -> float:
        """Of the orders of a category, how many were sent back."""
        orders = [order for order in self.orders.values() if order.category == category]
        returned = [one for one in orders if one.order in self.undone and self.undone[one.order].status == "RETURNED"]
        return len(returned) / len(orders)
