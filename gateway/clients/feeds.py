"""What the events service tells as it happens."""

from __future__ import annotations

from typing import Generic

from msgspec import field

from gateway.clients.answers import Document, T
from gateway.clients.customers import Event, Instance
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
    """That an event was recorded, the keys of the journeys of which an instance has taken it, and the ids of the
    profiles of all identifiers in it, whoever they belong to."""

    position: str
    id: str
    customer_id: str
    journeys: list[str]
    names: list[str] = field(default_factory=list)


class OwnChange(Change):
    """What a customer is told of one, with the instance as it is now."""

    instance: Instance | None = None


class OwnEvent(EventTold, kw_only=True):
    """What a customer is told of one."""

    event: Event


class FeedPage(Document, Generic[T]):
    """`customers`: for each customer that an item names, all ids that the customer has or once had.

    Positions of one feed sort as texts.
    """

    items: list[T]
    customers: dict[str, list[str]]
    next: str


class OwnPage(Document, Generic[T]):
    """What is new for a customer. `next` is the position behind it; `more`: there may be more behind that already.

    Something else may be new once an event names one of the `profiles`, or in `due_in` seconds by silence alone.
    """

    items: list[T]
    next: str
    more: bool
    profiles: list[str]
    due_in: float | None = None
