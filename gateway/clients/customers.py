"""Customers as the events service tells of them, now or at a moment: who they are, what they did, where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.clients.answers import Document, Page, T, read_each
from gateway.clients.journeys import Phase, Touchpoint
from gateway.vocabulary import Direction, DropOffReason, InstanceStatus, Trust
from infra.chassis.upstream import Upstream

SERVICE = "events"
FOLDING_SECONDS = 30.0  # a history of 100,000 events is folded anew


class IdentifierKey(NamedTuple):
    type: str
    value: str


class View(NamedTuple):
    """Of what a client tells: of everything as it is, or (only `as_of` or `disclose_to`) of a part of it."""

    as_of: str | None = None  # RFC 3339: how it was at a moment
    disclose_to: IdentifierKey | None = None  # what may be told to this one customer


EVERYTHING = View()


class InstancesOf(NamedTuple):
    """Which page of a customer's instances."""

    first: int
    after: str | None = None
    journey: str | None = None
    key: str | None = None
    status: tuple[str, ...] | None = None


class TimelineOf(NamedTuple):
    """Which page of a customer's events, newest first."""

    first: int
    after: str | None = None
    journey: str | None = None
    channel: tuple[str, ...] | None = None
    name: tuple[str, ...] | None = None


class StepsOf(NamedTuple):
    """Which page of an instance's steps, oldest first."""

    first: int
    after: str | None = None


class LedgerOf(NamedTuple):
    """Which entries of a customer's ledger, oldest first; `after` is the id of one."""

    first: int
    after: str | None = None


class InstanceKey(NamedTuple):
    """An instance, and whose it is."""

    customer: str
    instance: str


class Identifier(Document):
    type: str
    value: str
    trust: Trust
    first_seen_at: str


class Trait(Document):
    key: str
    value: Any
    occurred_at: str
    source: str | None = None


class Event(Document):
    lists = ("identifiers",)

    id: str
    message_id: str
    kind: str
    name: str
    occurred_at: str
    received_at: str
    source: str | None = None
    channel: str | None = None
    device: str | None = None
    properties: Any = None
    context: Any = None
    identifiers: list[Identifier] | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    clamped: bool = False


class DropOff(Document):
    lists = ("evidence",)

    reason: DropOffReason
    at: str
    phase: Phase | None = None
    evidence: list[str] | None = None


class Instance(Document):
    id: str
    journey_key: str
    version: int
    customer_id: str
    run: int
    status: InstanceStatus
    started_at: str
    last_event_at: str
    key: str | None = None
    phase: Phase | None = None
    touchpoint: Touchpoint | None = None
    ended_at: str | None = None
    due_at: str | None = None
    drop_off: DropOff | None = None


class Step(Document):
    direction: Direction
    occurred_at: str
    event_id: str
    touchpoint: Touchpoint | None = None
    phase: Phase | None = None
    channel: str | None = None
    device: str | None = None


class Explanation(Document):
    lists = ("events",)

    text: str
    events: list[str] | None = None
    rule: str | None = None
    model_version: int | None = None


class Assignment(Document):
    """`persona` is a key; what is told of it stands in its version."""

    lists = ("because",)

    persona: str
    version: int
    fit: float
    because: list[Explanation] | None = None


class Customer(Document):
    lists = ("identifiers", "trait_history")

    id: str
    first_seen_at: str
    last_seen_at: str
    first_event_id: str | None = None
    identifiers: list[Identifier] | None = None
    traits: Any = None
    trait_history: list[Trait] | None = None


class LedgerEntry(Document):
    id: str
    kind: str
    identifiers: list[Identifier]
    trust: Trust
    taken: bool
    reason: str
    event_id: str
    at: str


class CustomersClient:
    """Customers and all that hangs on them, for one workspace and as one view shows them.

    Every method raises the service's Problem, or Unavailable.
    """

    def __init__(self, upstream: Upstream, token: str, view: View) -> None:
        self._upstream = upstream
        self._token = token
        self._view = view

    async def find(self, identifiers: Sequence[IdentifierKey]) -> list[Customer | None]:
        """By identifiers as they name customers today."""
        body = {"identifiers": [identifier._asdict() for identifier in identifiers]}
        return await self._each("customers/find", body, "customers", Customer, identifiers)

    async def customers(self, ids: Sequence[str]) -> list[Customer | None]:
        return await self._each("customers/read", {"ids": ids}, "customers", Customer, ids)

    async def ledgers(self, customers: Sequence[str], page: LedgerOf) -> list[list[LedgerEntry] | None]:
        body = {"customers": customers, **page._asdict()}
        return await self._each("customers/ledgers", body, "ledgers", list[LedgerEntry], customers)

    async def assignments(self, customers: Sequence[str]) -> list[Assignment | None]:
        """Who they are thought to be; None for one whom no persona means."""
        body = {"customers": customers}
        return await self._each("personas/of-customers", body, "assignments", Assignment, customers)

    async def events(self, ids: Sequence[str]) -> list[Event | None]:
        return await self._each("events/read", {"ids": ids}, "events", Event, ids)

    async def timelines(self, customers: Sequence[str], page: TimelineOf) -> list[Page[Event] | None]:
        body = {"customers": customers, **page._asdict()}
        return await self._each("timelines", body, "pages", Page[Event], customers)

    async def instances_of_customers(self, customers: Sequence[str], page: InstancesOf) -> list[Page[Instance] | None]:
        body = {"customers": customers, **page._asdict()}
        return await self._each("instances/of-customers", body, "pages", Page[Instance], customers)

    async def instances_of_events(self, ids: Sequence[str]) -> list[list[Instance] | None]:
        return await self._each("instances/of-events", {"events": ids}, "instances", list[Instance], ids)

    async def explanations(self, instances: Sequence[InstanceKey]) -> list[list[Explanation] | None]:
        body = {"instances": self._named(instances)}
        return await self._each("instances/explain", body, "explanations", list[Explanation], instances)

    async def steps(self, instances: Sequence[InstanceKey], page: StepsOf) -> list[Page[Step] | None]:
        body = {"instances": self._named(instances), **page._asdict()}
        return await self._each("steps", body, "pages", Page[Step], instances)

    def _named(self, instances: Sequence[InstanceKey]) -> list[Any]:
        # Of the past only the customer's history tells which instances there were.
        return [key.instance if self._view.as_of is None else key._asdict() for key in instances]

    async def _each(
        self, path: str, body: dict[str, Any], member: str, shape: type[T], asked: Sequence[object]
    ) -> list[T | None]:
        within: float | None = FOLDING_SECONDS
        if self._view.disclose_to is not None:
            path, body = f"disclosed/{path}", {"discloseTo": self._view.disclose_to._asdict(), **body}
        elif self._view.as_of is not None:
            path, body = f"past/{path}", {"asOf": self._view.as_of, **body}
        else:
            within = None
        answer = await self._upstream.call("POST", f"/internal/{path}", token=self._token, body=body, within=within)
        return read_each(answer, member, shape, SERVICE, asked)
