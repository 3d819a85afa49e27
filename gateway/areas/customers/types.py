"""Customers, their events and their runs through journeys."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import strawberry

from gateway.areas.customers.assignments import PersonaAssignment, to_assignment
from gateway.areas.customers.explanations import Explanation, to_explanation
from gateway.areas.customers.identifiers import Identifier
from gateway.areas.customers.ledger import LedgerEntry, ledger_key, to_ledger_entry
from gateway.areas.journeys.types import Journey, Phase, Touchpoint, to_journey, to_phase, to_touchpoint
from gateway.areas.shown import all_shown
from gateway.areas.sources.types import Source, source_of
from gateway.clients import customers as documents
from gateway.clients.answers import Page
from gateway.clients.customers import InstanceKey, InstancesOf, LedgerOf, StepsOf, TimelineOf
from gateway.clients.feeds import Change, OwnChange
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.loaders import CustomerLoaders
from gateway.permissions import ReadsCustomers, ReadsModels, ReadsPersonalData, resolved
from gateway.relay import (
    Connection,
    CountedConnection,
    Node,
    connection,
    counted_connection,
    global_id,
    page_size,
)
from gateway.scalars import JSON, DateTime, Position
from gateway.streams.news import News
from gateway.vocabulary import Direction, DropOffReason, InstanceStatus
from gateway.wire import given
from infra.chassis.errors import NotFound

T = TypeVar("T")


@strawberry.type
class Trait:
    key: str
    value: JSON
    occurred_at: DateTime
    source: str | None


@strawberry.type
class Customer(Node):
    loaders: strawberry.Private[CustomerLoaders]
    key: strawberry.Private[str]
    first_event: strawberry.Private[str | None]
    identifiers: list[Identifier] = strawberry.field(permission_classes=[ReadsPersonalData])
    traits: JSON = strawberry.field(permission_classes=[ReadsPersonalData])
    trait_history: list[Trait] = strawberry.field(permission_classes=[ReadsPersonalData])
    first_seen_at: DateTime
    last_seen_at: DateTime

    @strawberry.field
    async def first_contact(self, info: Info) -> TouchpointEvent | None:
        event = await self.loaders.event_by_id.load(self.first_event) if self.first_event else None
        return to_event(event, self.loaders) if event else None

    @strawberry.field
    async def last_contact(self, info: Info) -> TouchpointEvent | None:
        page = await self.loaders.timeline_by_customer(TimelineOf(first=1)).load(self.key)
        return to_event(page.items[0], self.loaders) if page and page.items else None

    @resolved(
        description="Who they are by what is known now, or was as of the moment; null when no persona means them."
    )
    async def persona(self, info: Info) -> PersonaAssignment | None:
        found = await self.loaders.assignment_by_customer.load(self.key)
        return to_assignment(found, self.loaders) if found else None

    @resolved(description="Newest start first.")
    async def instances(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        journey: str | None = strawberry.UNSET,
        key: str | None = strawberry.UNSET,
        status: list[InstanceStatus] | None = strawberry.UNSET,
    ) -> CountedConnection[JourneyInstance]:
        statuses = given(status)
        page = InstancesOf(
            first=page_size(first, 20),
            after=given(after),
            journey=given(journey),
            key=given(key),
            status=None if statuses is None else tuple(item.value for item in statuses),
        )
        found = await self.loaders.instances_by_customer(page).load(self.key)
        return counted_connection(_still_there(found), partial(to_instance, loaders=self.loaders))

    @resolved(description="Newest first.")
    async def timeline(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        journey: str | None = strawberry.UNSET,
        channel: list[str] | None = strawberry.UNSET,
        name: list[str] | None = strawberry.UNSET,
    ) -> Connection[TouchpointEvent]:
        channels, names = given(channel), given(name)
        page = TimelineOf(
            first=page_size(first, 20),
            after=given(after),
            journey=given(journey),
            channel=None if channels is None else tuple(channels),
            name=None if names is None else tuple(names),
        )
        found = await self.loaders.timeline_by_customer(page).load(self.key)
        return connection(_still_there(found), partial(to_event, loaders=self.loaders))

    @resolved(
        description="Why this is one customer: each link that events assert about these identifiers, taken or refused, "
        "oldest first. `after`: the id of the last entry that one has."
    )
    async def ledger(
        self, info: Info, first: int | None = 100, after: strawberry.ID | None = strawberry.UNSET
    ) -> list[LedgerEntry]:
        last = given(after)
        page = LedgerOf(first=page_size(first, 100), after=None if last is None else ledger_key(last))
        found = await self.loaders.ledger_by_customer(page).load(self.key)
        return [to_ledger_entry(entry, self.loaders) for entry in found or ()]


@strawberry.type(description="One customer's one run through one journey.")
class JourneyInstance(Node):
    loaders: strawberry.Private[CustomerLoaders]
    document: strawberry.Private[documents.Instance]
    journey_key: str
    version: int
    key: str | None
    run: int
    status: InstanceStatus
    started_at: DateTime
    last_event_at: DateTime
    ended_at: DateTime | None
    due_at: DateTime | None

    @resolved(ReadsModels, description="The version it runs on.")
    async def journey(self, info: Info) -> Journey | None:
        found = await info.context.loaders.journey_by_key.load(ModelKey(self.journey_key, self.version))
        return info.context.once(to_journey, found) if found else None

    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        found = await self.loaders.customer_by_id.load(self.document.customer_id)
        return to_customer(found, self.loaders) if found else None

    @strawberry.field
    def phase(self) -> Phase | None:
        return to_phase(self.document.phase) if self.document.phase else None

    @strawberry.field
    def touchpoint(self) -> Touchpoint | None:
        return to_touchpoint(self.document.touchpoint) if self.document.touchpoint else None

    @resolved(description="Oldest first.")
    async def steps(self, info: Info, first: int | None = 50, after: str | None = strawberry.UNSET) -> Connection[Step]:
        page = StepsOf(first=page_size(first, 50), after=given(after))
        found = await self.loaders.steps_by_instance(page).load(self._key)
        return connection(_still_there(found), partial(to_step, loaders=self.loaders))

    @strawberry.field
    def drop_off(self) -> DropOff | None:
        return to_drop_off(self.document.drop_off, self.loaders) if self.document.drop_off else None

    @resolved(
        description="Why there is this run, why it is in its phase, has its status and dropped off, in this order."
    )
    async def explain(self, info: Info) -> list[Explanation]:
        found = await self.loaders.explanations_by_instance.load(self._key)
        if found is None:
            raise NotFound("It is no longer there.")
        return [to_explanation(one, self.loaders) for one in found]

    @property
    def _key(self) -> InstanceKey:
        return InstanceKey(self.document.customer_id, self.document.id)


@strawberry.type
class Step:
    loaders: strawberry.Private[CustomerLoaders]
    event_key: strawberry.Private[str]
    touchpoint: Touchpoint | None = strawberry.field(description="Null for a step off the map.")
    phase: Phase | None
    direction: Direction
    channel: str | None
    device: str | None
    occurred_at: DateTime

    @strawberry.field
    async def event(self, info: Info) -> TouchpointEvent | None:
        found = await self.loaders.event_by_id.load(self.event_key)
        return to_event(found, self.loaders) if found else None


@strawberry.type(description="The end of an instance without its goal.")
class DropOff:
    loaders: strawberry.Private[CustomerLoaders]
    event_keys: strawberry.Private[list[str]]
    reason: DropOffReason
    phase: Phase | None
    at: DateTime

    @strawberry.field
    async def evidence(self, info: Info) -> list[TouchpointEvent]:
        found = await self.loaders.event_by_id.load_many(self.event_keys)
        return [to_event(event, self.loaders) for event in found if event]


@strawberry.type(description="An immutable fact: someone did something at a moment.")
class TouchpointEvent(Node):
    loaders: strawberry.Private[CustomerLoaders]
    key: strawberry.Private[str]
    source_key: strawberry.Private[str | None]
    message_id: str
    kind: str
    name: str
    channel: str | None
    device: str | None
    properties: JSON = strawberry.field(permission_classes=[ReadsPersonalData])
    context: JSON = strawberry.field(permission_classes=[ReadsPersonalData])
    identifiers: list[Identifier] = strawberry.field(permission_classes=[ReadsPersonalData])
    occurred_at: DateTime
    original_timestamp: DateTime | None
    sent_at: DateTime | None
    received_at: DateTime
    clamped: bool

    @resolved(ReadsCustomers)
    async def source(self, info: Info) -> Source | None:
        return await source_of(info, self.source_key)

    @resolved(description="The instances that took it.")
    async def instances(self, info: Info) -> list[JourneyInstance]:
        found = await self.loaders.instances_by_event.load(self.key)
        return [to_instance(instance, self.loaders) for instance in found or ()]


@strawberry.type(
    description="A change of status or phase, or a correction: something that was told is not so any more."
)
class InstanceChange:
    news: strawberry.Private[News[Change]]
    instance_id: strawberry.ID
    previous_status: InstanceStatus | None = strawberry.field(description="Null for the start of a run.")
    previous_phase: str | None
    correction: bool
    at: DateTime = strawberry.field(description="Of the event, or of the deadline that has passed.")
    position: Position

    @resolved(description="As it is now. One that is gone gives the one that took its first event.")
    async def instance(self, info: Info) -> JourneyInstance | None:
        batch, change = self.news.batch, self.news.item
        if isinstance(change, OwnChange):
            found = change.instance
        else:
            found = await batch.load(lambda loaders: loaders.instance_by_id, lambda one: one.instance_id, change)
        return to_instance(found, batch.customers) if found else None


def to_instance_change(news: News[Change]) -> InstanceChange:
    change = news.item
    return InstanceChange(
        news=news,
        instance_id=global_id("JourneyInstance", change.instance_id),
        previous_status=change.previous_status,
        previous_phase=change.previous_phase,
        correction=change.correction,
        at=DateTime(change.at),
        position=Position(change.position),
    )


def to_customer(document: documents.Customer, loaders: CustomerLoaders) -> Customer:
    return Customer(
        loaders=loaders,
        id=global_id("Customer", document.id),
        key=document.id,
        identifiers=all_shown(document.identifiers, Identifier),
        traits=JSON(document.traits or {}),
        trait_history=all_shown(document.trait_history, Trait),
        first_seen_at=DateTime(document.first_seen_at),
        last_seen_at=DateTime(document.last_seen_at),
        first_event=document.first_event_id,
    )


def to_instance(document: documents.Instance, loaders: CustomerLoaders) -> JourneyInstance:
    return JourneyInstance(
        loaders=loaders,
        id=global_id("JourneyInstance", document.id),
        document=document,
        journey_key=document.journey_key,
        version=document.version,
        key=document.key,
        run=document.run,
        status=document.status,
        started_at=DateTime(document.started_at),
        last_event_at=DateTime(document.last_event_at),
        ended_at=_moment(document.ended_at),
        due_at=_moment(document.due_at),
    )


def to_step(document: documents.Step, loaders: CustomerLoaders) -> Step:
    return Step(
        loaders=loaders,
        event_key=document.event_id,
        touchpoint=to_touchpoint(document.touchpoint) if document.touchpoint else None,
        phase=to_phase(document.phase) if document.phase else None,
        direction=document.direction,
        channel=document.channel,
        device=document.device,
        occurred_at=DateTime(document.occurred_at),
    )


def to_drop_off(document: documents.DropOff, loaders: CustomerLoaders) -> DropOff:
    return DropOff(
        loaders=loaders,
        event_keys=document.evidence or [],
        reason=document.reason,
        phase=to_phase(document.phase) if document.phase else None,
        at=DateTime(document.at),
    )


def to_event(document: documents.Event, loaders: CustomerLoaders) -> TouchpointEvent:
    return TouchpointEvent(
        loaders=loaders,
        id=global_id("TouchpointEvent", document.id),
        key=document.id,
        source_key=document.source,
        message_id=document.message_id,
        kind=document.kind,
        name=document.name,
        channel=document.channel,
        device=document.device,
        properties=JSON({} if document.properties is None else document.properties),
        context=JSON({} if document.context is None else document.context),
        identifiers=all_shown(document.identifiers, Identifier),
        occurred_at=DateTime(document.occurred_at),
        original_timestamp=_moment(document.original_timestamp),
        sent_at=_moment(document.sent_at),
        received_at=DateTime(document.received_at),
        clamped=document.clamped,
    )


def _moment(text: str | None) -> DateTime | None:
    return None if text is None else DateTime(text)


def _still_there(page: Page[T] | None) -> Page[T]:
    if page is None:
        raise NotFound("Its owner is no longer there.")
    return page
