from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader

from gateway.areas.customers.types import InstanceChange, TouchpointEvent, to_event, to_instance_change
from gateway.areas.events.inputs import IdentifierInput, identifier_key
from gateway.clients.customers import Event
from gateway.clients.feeds import Change, EventTold, OwnEvent
from gateway.context import Info
from gateway.loaders import Loaders
from gateway.permissions import ReadsCustomers, Scope, subscribed
from gateway.scalars import Position
from gateway.streams.news import News, Told
from gateway.vocabulary import InstanceStatus
from gateway.wire import given


class FollowsCustomers(Scope):
    """Lets a customer token through, too, unless it names somebody else: it is told of its own customer alone."""

    name = ReadsCustomers.name

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        own = info.context.principal.customer
        if own is None:
            return super().has_permission(None, info)
        asked = given(kwargs.get("identifier"))
        return asked is None or identifier_key(asked) == own


@strawberry.type
class CustomerSubscriptions:
    @subscribed(
        FollowsCustomers,
        gives=InstanceChange,
        description="Changes of status and phase, and corrections of such. `status`: those that lead to one of these, "
        "or take one back. `after`: from the position of a change on, or from a write on; kept for a day. With a "
        "customer token those of its customer.",
    )
    async def instance_changed(
        self,
        info: Info,
        journey: str | None = strawberry.UNSET,
        status: list[InstanceStatus] | None = strawberry.UNSET,
        identifier: IdentifierInput | None = strawberry.UNSET,
        after: Position | None = strawberry.UNSET,
    ) -> AsyncGenerator[list[Told], None]:
        wanted, statuses = given(journey), given(status)

        def wants(change: Change) -> bool:
            leads = statuses is None or change.status in statuses
            takes_back = change.correction and statuses is not None and change.previous_status in statuses
            return wanted in (None, change.journey_key) and (leads or takes_back)

        asked = given(identifier)
        key = identifier_key(asked) if asked else None
        async with aclosing(info.context.listening.changes(wants, key, given(after))) as found:
            async for some in found:
                yield [Told(to_instance_change(news), news, news.position) for news in some]

    @subscribed(
        FollowsCustomers,
        gives=TouchpointEvent,
        description="Each event when all that follows from it can be read, duplicates left out. `journey`: those that "
        "an instance of it takes. `after`: from a position on, as `extensions.position` of each message gives it, or "
        "from a write on. With a customer token those of its customer, each once it may be told.",
    )
    async def event_recorded(
        self,
        info: Info,
        identifier: IdentifierInput | None = strawberry.UNSET,
        journey: str | None = strawberry.UNSET,
        after: Position | None = strawberry.UNSET,
    ) -> AsyncGenerator[list[Told], None]:
        wanted, asked = given(journey), given(identifier)

        def wants(event: EventTold) -> bool:
            return wanted is None or wanted in event.journeys

        key = identifier_key(asked) if asked else None
        async with aclosing(info.context.listening.events(wants, key, given(after))) as found:
            async for some in found:
                events = [(await _event(news), news) for news in some]
                yield [
                    Told(to_event(event, news.batch.customers), news, news.position)
                    for event, news in events
                    if event is not None  # else it was erased meanwhile
                ]


async def _event(news: News[EventTold]) -> Event | None:
    if isinstance(news.item, OwnEvent):
        return news.item.event
    return await news.batch.load(_event_by_id, _id, news.item)


def _event_by_id(loaders: Loaders) -> DataLoader[str, Event | None]:
    return loaders.as_of(None).event_by_id


def _id(told: EventTold) -> str:
    return told.id
