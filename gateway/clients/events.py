"""The events service: what customers really do, and where they are on their journeys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec import field

from gateway.clients.answers import Document, Page, T, read, read_each
from gateway.clients.customers import (
    FOLDING_SECONDS,
    SERVICE,
    Customer,
    CustomersClient,
    IdentifierKey,
    Instance,
    View,
)
from gateway.clients.feeds import FeedPage, OwnPage
from gateway.vocabulary import DropOffReason, EventStatus, InstanceStatus, Trust
from infra.chassis.upstream import Upstream

_FEED_ITEMS = 200
_OWN_ITEMS = 1_000  # each page costs a fold
_INSIGHT_SECONDS = 30.0  # filters that no counters are kept for are answered from all instances


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


class HealthOf(NamedTuple):
    """Over which half-open period sources are looked at, in RFC 3339."""

    begin: str | None = None
    end: str | None = None


class InsightsReading(NamedTuple):
    """What is read of insights. Median gaps cost more to read than all the rest."""

    selection: InsightsOf
    median_gaps: bool


class DropOffsOf(NamedTuple):
    """Which page of the instances behind drop-offs, newest start first."""

    selection: InsightsOf
    first: int
    after: str | None = None


class Named(Document):
    type: str
    value: str


class Principal(Document):
    """Who a key or customer token speaks for. `kind` is SECRET, WRITE or CUSTOMER, for the one `customer`."""

    workspace: str
    source: str
    kind: str
    scopes: frozenset[str] = frozenset()
    key: str | None = None  # its id; none of a customer token
    named: Named | None = field(name="customer", default=None)
    expires_at: int | None = None  # microseconds since 1970

    @property
    def customer(self) -> IdentifierKey | None:
        return None if self.named is None else IdentifierKey(self.named.type, self.named.value)


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


class SourceKey(Document):
    id: str
    prefix: str
    secret: bool
    created_at: str
    expires_at: str | None = None


class Source(Document):
    lists = ("origins",)

    key: str
    name: str
    kind: str
    trust: Trust
    default_channel: str | None = None
    origins: list[str] | None = None
    paused: bool = False
    keys: list[SourceKey] = field(default_factory=list)


class SavedSource(Document):
    source: Source
    key: str | None = None


class RotatedKey(Document):
    key: str
    grace_until: str | None = None


class RejectedCount(Document):
    code: str
    count: int


class SourceHealth(Document):
    accepted: int
    rejected: list[RejectedCount]
    new_names: list[str]
    vanished_names: list[str]
    last_event_at: str | None = None


class Workspace(Document):
    key: str
    name: str
    settings: Any


class RejectedEvent(Document):
    id: str
    received_at: str
    code: str
    message: str
    body: str
    source: str | None = None
    path: list[str] | None = None


class Rebuild(Document):
    journey: str
    versions: list[int]
    live: bool
    folded: int
    share: float


class Projection(Document):
    """`position` is None while nothing was ever logged."""

    logged: int
    projected: int
    lag: int
    rebuilding: bool
    position: str | None = None
    oldest_unprojected_age: str | None = None
    rebuilds: list[Rebuild] = field(default_factory=list)
    stuck: int = 0


class CustomerToken(Document):
    token: str
    expires_at: str


class _Sources(Document):
    sources: list[Source]


class _Wait(Document):
    stale: bool


class EventsClient:
    """Calls on behalf of one workspace. Every method raises the service's Problem, or Unavailable."""

    audience: ClassVar[str] = SERVICE

    def __init__(self, upstream: Upstream, token: str) -> None:
        self._upstream = upstream
        self._token = token

    async def authenticate(self, credential: str) -> Principal:
        """Who `credential` is. The token must speak for every workspace (`*`). Raises a Problem of status 401."""
        return await self._one("/internal/authenticate", {"credential": credential}, Principal)

    async def mint_customer_token(
        self, principal: Principal, identifier: IdentifierKey, lifetime: str
    ) -> CustomerToken:
        """A token for one customer on behalf of `principal`; it may do less for them than that may for all."""
        body = {
            "source": principal.source,
            "key": principal.key,
            "scopes": sorted(principal.scopes),
            "identifier": identifier._asdict(),
            "lifetime": lifetime,
        }
        return await self._one("/internal/customer-tokens", body, CustomerToken)

    async def record(
        self, source: str, trust: Trust, customer: IdentifierKey | None, events: list[dict[str, Any]]
    ) -> Recorded:
        """With `customer`, events of a sender who speaks for nobody else."""
        body: dict[str, Any] = {"source": source, "trust": trust.value, "events": events, "wait": False}
        if customer is not None:
            body["customer"] = customer._asdict()
        return await self._one("/internal/events", body, Recorded)

    def customers(self, view: View) -> CustomersClient:
        return CustomersClient(self._upstream, self._token, view)

    async def query_customers(self, where: dict[str, Any], first: int, after: str | None) -> Page[Customer]:
        return await self._one(
            "/internal/customers/query", {"where": where, "first": first, "after": after}, Page[Customer]
        )

    async def instances(self, ids: Sequence[str]) -> list[Instance | None]:
        return await self._each("/internal/instances/read", {"ids": ids}, "instances", Instance, ids)

    async def query_instances(self, where: dict[str, Any], first: int, after: str | None) -> Page[Instance]:
        return await self._one(
            "/internal/instances/query", {"where": where, "first": first, "after": after}, Page[Instance]
        )

    async def insights(self, journeys: Sequence[str], reading: InsightsReading) -> list[Insights | None]:
        """None for a journey that was never published."""
        body = {"journeys": journeys, "medianGaps": reading.median_gaps, **reading.selection.to_wire()}
        return await self._each(
            "/internal/insights/read", body, "insights", Insights, journeys, within=_INSIGHT_SECONDS
        )

    async def drop_offs(self, keys: Sequence[DropOffKey], page: DropOffsOf) -> list[Page[Instance] | None]:
        ways = [key._asdict() for key in keys]
        body = {"dropOffs": ways, "first": page.first, "after": page.after, **page.selection.to_wire()}
        return await self._each("/internal/insights/drop-offs", body, "pages", Page[Instance], keys)

    async def feed(self, feed: str, item: type[T], after: str) -> FeedPage[T]:
        """The next items of a feed that there are behind a position."""
        body = {"after": after, "first": _FEED_ITEMS}
        return await self._one(f"/internal/feeds/{feed}/read", body, FeedPage[item])  # type: ignore[valid-type]

    async def own_feed(self, feed: str, item: type[T], customer: IdentifierKey, after: str | None) -> OwnPage[T]:
        """What is new for the customer whom an identifier names behind a position, or (None) the present one."""
        body = {"discloseTo": customer._asdict(), "after": after, "first": _OWN_ITEMS}
        path = f"/internal/disclosed/feeds/{feed}/read"
        return await self._one(path, body, OwnPage[item], within=FOLDING_SECONDS)  # type: ignore[valid-type]

    async def profiles(self, identifier: IdentifierKey) -> list[str]:
        """The ids under which feeds may speak of the customer whom an identifier names."""
        body = {"identifiers": [identifier._asdict()]}
        [found] = await self._each("/internal/customers/profiles", body, "profiles", list[str], [identifier])
        return found or []

    async def workspace(self) -> Workspace:
        return read(await self._upstream.call("GET", "/internal/workspace", token=self._token), Workspace, SERVICE)

    async def save_settings(self, settings: Any) -> Workspace:
        answer = await self._upstream.call(
            "PUT", "/internal/workspace/settings", token=self._token, body={"settings": settings}
        )
        return read(answer, Workspace, SERVICE)

    async def sources(self) -> list[Source]:
        answer = await self._upstream.call("GET", "/internal/sources", token=self._token)
        return read(answer, _Sources, SERVICE).sources

    async def save_source(self, source: dict[str, Any]) -> SavedSource:
        answer = await self._upstream.call("PUT", "/internal/sources", token=self._token, body=source)
        return read(answer, SavedSource, SERVICE)

    async def rotate_key(self, source: str, scopes: Collection[str]) -> RotatedKey:
        """On behalf of who has `scopes`."""
        return await self._one("/internal/sources/rotate-key", {"source": source, "scopes": sorted(scopes)}, RotatedKey)

    async def revoke_key(self, id: str) -> Source:
        return await self._one("/internal/sources/revoke-key", {"id": id}, Source)

    async def health(self, sources: Sequence[str], over: HealthOf) -> list[SourceHealth | None]:
        body = {"sources": sources, "period": {"from": over.begin, "to": over.end}}
        return await self._each("/internal/sources/health", body, "health", SourceHealth, sources)

    async def resubmit(self, ids: Sequence[str]) -> Recorded:
        return await self._one("/internal/rejected-events/resubmit", {"ids": ids}, Recorded)

    async def projection(self) -> Projection:
        return read(await self._upstream.call("GET", "/internal/projection", token=self._token), Projection, SERVICE)

    async def wait(self, position: str) -> bool:
        """Waits until `position` is projected, at most 2 s. Whether what is read now is still stale."""
        return (await self._one("/internal/projection/wait", {"position": position}, _Wait)).stale

    async def rejected(self, first: int, after: str | None, source: str | None) -> Page[RejectedEvent]:
        query = {"first": str(first), "after": after, "source": source}
        given = {name: value for name, value in query.items() if value is not None}
        answer = await self._upstream.call("GET", "/internal/rejected-events", token=self._token, query=given)
        return read(answer, Page[RejectedEvent], SERVICE)

    async def rejected_by_id(self, ids: Sequence[str]) -> list[RejectedEvent | None]:
        return await self._each("/internal/rejected-events/read", {"ids": ids}, "rejectedEvents", RejectedEvent, ids)

    async def _one(self, path: str, body: Any, shape: type[T], within: float | None = None) -> T:
        answer = await self._upstream.call("POST", path, token=self._token, body=body, within=within)
        return read(answer, shape, SERVICE)

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
        return read_each(answer, member, shape, SERVICE, asked)
