"""What the events service tells as it happens."""

from __future__ import annotations

from typing import Generic

from gateway.clients.answers import Document, T
from gateway.vocabulary import InstanceStatus


class Change(Document):
    """A change of an instance. Phases are keys. `status` is None if there is no such instance any more."""

    position: str
    instance_id: str
    customer_id: str
    journey_key: str
    at: str
    correction: bool
    previous_status: InstanceStatus | None = None
    previous_phase: str | None = None
    status: InstanceStatus | None = None
    phase: str | None = None


class EventTold(Document):
    """That an event was recorded, and the keys of the journeys of which an instance has taken it."""

    position: str
    id: str
    customer_id: str
    journeys: list[str]


class FeedPage(Document, Generic[T]):
    """`customers`: for each customer that an item names, all ids that the customer has or once had.

    Positions of one feed sort as texts.
    """

    items: list[T]
    customers: dict[str, list[str]]
    next: str
