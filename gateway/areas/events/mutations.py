from __future__ import annotations

import secrets
from typing import Any

import strawberry

from gateway.areas.customers.types import Customer, to_customer
from gateway.areas.events.inputs import EventInput, IdentifierInput, identifier_key
from gateway.areas.payloads import UserError, refusals, rejection
from gateway.clients.customers import IdentifierKey
from gateway.clients.events import Recorded
from gateway.context import Context, Info
from gateway.permissions import ReadsCustomers, RecordsEvents, resolved
from gateway.scalars import JSON, DateTime, Position
from gateway.vocabulary import EventStatus, Trust
from gateway.wire import given, to_wire
from infra.chassis.errors import Problem


@strawberry.type(description="What became of one event. ACCEPTED means durable.")
class EventResult:
    message_id: str
    status: EventStatus
    code: str | None
    message: str | None


@strawberry.type
class RecordEventsPayload:
    accepted: int
    rejected: int
    results: list[EventResult]
    position: Position | None
    errors: list[UserError]


@strawberry.type
class IdentifyPayload:
    identified: strawberry.Private[list[IdentifierKey]]
    position: Position | None
    errors: list[UserError]

    @resolved(ReadsCustomers, description="The customer as projected; null without `wait: true`.")
    async def customer(self, info: Info) -> Customer | None:
        loaders = info.context.loaders.as_of(None)
        found = await loaders.customer_by_identifier.load_many(self.identified)
        return next((to_customer(customer, loaders) for customer in found if customer), None)


@strawberry.type
class EventMutations:
    @resolved(
        RecordsEvents,
        description="Events with a result each. `wait`: answer after projection, at most 2 s.",
    )
    async def record_events(
        self, info: Info, events: list[EventInput], wait: bool | None = False
    ) -> RecordEventsPayload:
        try:
            recorded = await _record(info.context, [_event(event) for event in events], wait=bool(wait))
        except Problem as problem:
            return RecordEventsPayload(accepted=0, rejected=0, results=[], position=None, errors=refusals(problem))
        results = [
            EventResult(message_id=event.message_id, status=item.status, code=item.code, message=item.message)
            for event, item in zip(events, recorded.results, strict=True)
        ]
        return RecordEventsPayload(
            accepted=recorded.accepted,
            rejected=recorded.rejected,
            results=results,
            position=_position(recorded),
            errors=[],
        )

    @resolved(RecordsEvents, description="Says that the identifiers belong to one customer, and what is known of them.")
    async def identify(
        self,
        info: Info,
        identifiers: list[IdentifierInput],
        traits: JSON | None = strawberry.UNSET,
        occurred_at: DateTime | None = strawberry.UNSET,
        message_id: str | None = strawberry.UNSET,
        wait: bool | None = False,
    ) -> IdentifyPayload:
        event = EventInput(
            message_id=given(message_id) or secrets.token_urlsafe(16),
            kind="identify",
            name="Identify",
            identifiers=identifiers,
            traits=traits,
            occurred_at=occurred_at,
        )
        try:
            recorded = await _record(info.context, [_event(event)], wait=bool(wait))
        except Problem as problem:
            return IdentifyPayload(identified=[], position=None, errors=refusals(problem))
        errors = [rejection(item) for item in recorded.results if item.status is EventStatus.REJECTED]
        identified = [identifier_key(item) for item in identifiers] if wait and not errors else []
        return IdentifyPayload(identified=identified, position=_position(recorded), errors=errors)


async def _record(context: Context, events: list[dict[str, Any]], *, wait: bool) -> Recorded:
    principal = context.principal
    recorded = await context.events.record(principal.source, Trust.VERIFIED, principal.customer, events)
    await context.record(recorded.position, wait=wait)
    return recorded


def _event(event: EventInput) -> dict[str, Any]:
    return {**to_wire(event), "identifiers": [identifier_key(item)._asdict() for item in event.identifiers]}


def _position(recorded: Recorded) -> Position | None:
    return None if recorded.position is None else Position(recorded.position)
