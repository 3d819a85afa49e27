"""The events service: what customers really do, and where they are on their journeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec import field

from gateway.clients.answers import Document, Page, T, read, read_each
from gateway.clients.journeys import Phase, Touchpoint
from gateway.vocabulary import Direction, DropOffReason, EventStatus, InstanceStatus, Trust
from infra.chassis.http import Upstream

NAME = "events"
_PAST_SECONDS = 30.0  # a history of 100,000 events is folded anew
_INSIGHT_SECONDS = 30.0  # filters that no counters are kept for are answered from all instances


class IdentifierKey(NamedTuple):
    type: str
    value: str


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


class InstanceKey(NamedTuple):
    """An instance, and whose it is."""

    customer: str
    instance: str


class InsightsOf(NamedTuple):
    """Which instances insights are about: those that started in a half-open period, and what their start was like."""

    started_from: str | None = None  # RFC 3339
    started_before: str | None = None
    version: int | None = None
    channel: str | None = None
    device: str | None = None
    source: str | None = None
    variant: str | None = None

    def to_wire(self) -> dict[str, Any]:
        first, end, *rest = self
        where = dict(zip(self._fields[2:], rest, strict=True))
        return {"period": {"from": first, "to": end}, "where": where}


class DropOffKey(NamedTuple):
    """One way to drop off. `device` is that of the first step."""

    journey: str
    phase: str
    reason: str
    device: str | None


class DropOffsOf(NamedTuple):
    """Which page of the instances behind drop-offs, newest start first."""

    selection: InsightsOf
    first: int
    after: str | None = None


class Principal(Document):
    """Who a key speaks for. `kind` is SECRET or WRITE."""

    workspace: str
    source: str
    kind: str
    scopes: frozenset[str] = frozenset()


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


class Customer(Document):
    lists = ("identifiers", "trait_history")

    id: str
    first_seen_at: str
    last_seen_at: str
    first_event_id: str | None = None
    identifiers: list[Identifier] | None = None
    traits: Any = None
    trait_history: list[Trait] | None = None


class StatusCount(Document):
    status: InstanceStatus
    count: int


class FunnelStep(Document):
    phase: str
    reached: int
    continued: int
    dropped: int


class FlowEdge(Document):
    to: str
    count: int
    from_: str = field(name="from")
    median_gap: str | None = None


class Flow(Document):
    edges: list[FlowEdge]


class Hop(Document):
    to: str
    count: int
    from_: str = field(name="from")


class DropOffCount(Document):
    phase: str
    reason: DropOffReason
    count: int
    device: str | None = None


class Insights(Document):
    """`answered_by` is `counters` or `instances`; `hops` are by channel, device and source."""

    answered_by: str
    instances: int
    by_status: list[StatusCount]
    funnel: list[FunnelStep]
    flow: Flow
    hops: dict[str, list[Hop]]
    drop_offs: list[DropOffCount]


class EventResult(Document):
    """In the order of the events; an event whose message id cannot be read has none here."""

    status: EventStatus
    message_id: str | None = None
    code: str | None = None
    message: str | None = None
    path: list[str | int] | None = None


class Recorded(Document):
    accepted: int
    rejected: int
    results: list[EventResult]
    position: str | None = None


class Source(Document):
    lists = ("origins",)

    key: str
    name: str
    kind: str
    trust: Trust
    default_channel: str | None = None
    origins: list[str] | None = None
    paused: bool = False


class RejectedEvent(Document):
    id: str
    received_at: str
    code: str
    message: str
    body: str
    source: str | None = None
    path: list[str] | None = None


class Projection(Document):
    """`position` is None while nothing was ever logged."""

    logged: int
    projected: int
    lag: int
    rebuilding: bool
    position: str | None = None
    oldest_unprojected_age: str | None = None


class _Sources(Document):
    sources: list[Source]


class _Wait(Document):
    stale: bool


class CustomersClient:
    """Customers and all that hangs on them, for one workspace and as one moment shows them.

    Every method raises the service's Problem, or Unavailable.
    """

    def __init__(self, upstream: Upstream, token: str, as_of: str | None) -> None:
        self._upstream = upstream
        self._token = token
        self._as_of = as_of

    async def find(self, identifiers: Sequence[IdentifierKey]) -> list[Customer | None]:
        """By identifiers as they name customers today."""
        body = {"identifiers": [identifier._asdict() for identifier in identifiers]}
        return await self._each("customers/find", body, "customers", Customer, identifiers)

    async def customers(self, ids: Sequence[str]) -> list[Customer | None]:
        return await self._each("customers/read", {"ids": ids}, "customers", Customer, ids)

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

    async def steps(self, instances: Sequence[InstanceKey], page: StepsOf) -> list[Page[Step] | None]:
        # Of the past only the customer's history tells which instances there were.
        asked = [key.instance if self._as_of is None else key._asdict() for key in instances]
        body = {"instances": asked, **page._asdict()}
        return await self._each("steps", body, "pages", Page[Step], instances)

    async def _each(
        self, path: str, body: dict[str, Any], member: str, shape: type[T], asked: Sequence[object]
    ) -> list[T | None]:
        if self._as_of is None:
            answer = await self._upstream.call("POST", f"/internal/{path}", token=self._token, body=body)
        else:
            body = {"asOf": self._as_of, **body}
            answer = await self._upstream.call(
                "POST", f"/internal/past/{path}", token=self._token, body=body, within=_PAST_SECONDS
            )
        return read_each(answer, member, shape, NAME, asked)


class EventsClient:
    """Calls on behalf of one workspace. Every method raises the service's Problem, or Unavailable."""

    audience: ClassVar[str] = NAME

    def __init__(self, upstream: Upstream, token: str) -> None:
        self._upstream = upstream
        self._token = token

    async def authenticate(self, credential: str) -> Principal:
        """Who `credential` is. The token must speak for every workspace (`*`). Raises a Problem of status 401."""
        return await self._one("/internal/authenticate", {"credential": credential}, Principal)

    async def record(self, source: str, trust: Trust, events: list[dict[str, Any]]) -> Recorded:
        body = {"source": source, "trust": trust.value, "events": events, "wait": False}
        return await self._one("/internal/events", body, Recorded)

    def customers_as_of(self, moment: str | None) -> CustomersClient:
        """What is told of customers as they were at a moment (RFC 3339); None: as they are."""
        return CustomersClient(self._upstream, self._token, moment)

    async def instances(self, ids: Sequence[str]) -> list[Instance | None]:
        return await self._each("/internal/instances/read", {"ids": ids}, "instances", Instance, ids)

    async def query_instances(self, where: dict[str, Any], first: int, after: str | None) -> Page[Instance]:
        return await self._one(
            "/internal/instances/query", {"where": where, "first": first, "after": after}, Page[Instance]
        )

    async def insights(self, journeys: Sequence[str], selection: InsightsOf) -> list[Insights | None]:
        """None for a journey that was never published."""
        body = {"journeys": journeys, **selection.to_wire()}
        return await self._each(
            "/internal/insights/read", body, "insights", Insights, journeys, within=_INSIGHT_SECONDS
        )

    async def drop_offs(self, keys: Sequence[DropOffKey], page: DropOffsOf) -> list[Page[Instance] | None]:
        ways = [key._asdict() for key in keys]
        body = {"dropOffs": ways, "first": page.first, "after": page.after, **page.selection.to_wire()}
        return await self._each("/internal/insights/drop-offs", body, "pages", Page[Instance], keys)

    async def sources(self) -> list[Source]:
        answer = await self._upstream.call("GET", "/internal/sources", token=self._token)
        return read(answer, _Sources, NAME).sources

    async def projection(self) -> Projection:
        return read(await self._upstream.call("GET", "/internal/projection", token=self._token), Projection, NAME)

    async def wait(self, position: str) -> bool:
        """Waits until `position` is projected, at most 2 s. Whether what is read now is still stale."""
        return (await self._one("/internal/projection/wait", {"position": position}, _Wait)).stale

    async def rejected(self, first: int, after: str | None, source: str | None) -> Page[RejectedEvent]:
        query = {"first": str(first), "after": after, "source": source}
        given = {name: value for name, value in query.items() if value is not None}
        answer = await self._upstream.call("GET", "/internal/rejected-events", token=self._token, query=given)
        return read(answer, Page[RejectedEvent], NAME)

    async def _one(self, path: str, body: Any, shape: type[T]) -> T:
        return read(await self._upstream.call("POST", path, token=self._token, body=body), shape, NAME)

    async def _each(
        self,
        path: str,
        body: Any,
        member: str,
        shape: type[T],
        asked: Sequence[object],
        within: float | None = None,
    ) -> list[T | None]:
        answer = await self._upstream.call("POST", path, token=self._token, body=body, within=within)
        return read_each(answer, member, shape, NAME, asked)
