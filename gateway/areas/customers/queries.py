from __future__ import annotations

from functools import partial
from typing import Any

import strawberry

from gateway.areas.customers.types import Customer, JourneyInstance, to_customer, to_instance
from gateway.areas.events.inputs import IdentifierInput, identifier_key
from gateway.areas.periods import PeriodInput
from gateway.context import Info
from gateway.permissions import IsCustomer, ReadsCustomers, resolved
from gateway.relay import Connection, CountedConnection, connection, counted_connection, page_size
from gateway.scalars import DateTime, Position
from gateway.vocabulary import DropOffReason, InstanceStatus
from gateway.wire import given, to_wire


@strawberry.input
class InstanceFilter:
    journey: str | None = strawberry.UNSET
    version: int | None = strawberry.UNSET
    status: list[InstanceStatus] | None = strawberry.UNSET
    phase: str | None = strawberry.UNSET
    key: str | None = strawberry.UNSET
    started_in: PeriodInput | None = strawberry.UNSET
    ended_in: PeriodInput | None = strawberry.UNSET
    drop_off_reason: DropOffReason | None = strawberry.UNSET


@strawberry.input(description="`journey`, `status` and `phase` are met by one instance all at once.")
class CustomerFilter:
    journey: str | None = strawberry.UNSET
    status: list[InstanceStatus] | None = strawberry.UNSET
    phase: str | None = strawberry.UNSET
    seen_since: DateTime | None = strawberry.UNSET
    identifier: IdentifierInput | None = strawberry.UNSET

    def conditions(self) -> dict[str, Any]:
        """As events is asked for them."""
        named = given(self.identifier)
        found: dict[str, Any] = to_wire(self)
        return found | ({} if named is None else {"identifier": identifier_key(named)._asdict()})


@strawberry.type
class CustomerQueries:
    @resolved(
        ReadsCustomers,
        description="Null when nobody is known by it. `asOf`: with all that hangs on it as it was at that moment; "
        "null when nothing had happened yet.",
    )
    async def customer(
        self,
        info: Info,
        identifier: IdentifierInput,
        as_of: DateTime | None = strawberry.UNSET,
        position: Position | None = strawberry.UNSET,
    ) -> Customer | None:
        await info.context.catch_up(given(position))
        loaders = info.context.loaders.as_of(given(as_of))
        found = await loaders.customer_by_identifier.load(identifier_key(identifier))
        return to_customer(found, loaders) if found else None

    @resolved(
        IsCustomer,
        description="The one customer of a customer token, with what trusted sources vouch for and nothing that others "
        "only claim; null while there is nothing to tell.",
    )
    async def me(self, info: Info, position: Position | None = strawberry.UNSET) -> Customer | None:
        context = info.context
        await context.catch_up(given(position))
        if context.principal.customer is None:  # the permission has seen to it
            return None
        loaders = context.loaders.disclosed_to(context.principal.customer)
        found = await loaders.customer_by_identifier.load(context.principal.customer)
        return to_customer(found, loaders) if found else None

    @resolved(
        ReadsCustomers,
        description="Who was seen last comes first. A page may hold fewer than there are: go on from its `endCursor` "
        "while it has a next page.",
    )
    async def customers(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        where: CustomerFilter | None = strawberry.UNSET,
        position: Position | None = strawberry.UNSET,
    ) -> Connection[Customer]:
        size = page_size(first, 20)
        await info.context.catch_up(given(position))
        condition = given(where)
        conditions = {} if condition is None else condition.conditions()
        page = await info.context.events.query_customers(conditions, size, given(after))
        return connection(page, partial(to_customer, loaders=info.context.loaders.as_of(None)))

    @resolved(ReadsCustomers, description="Newest start first.")
    async def instances(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        where: InstanceFilter | None = strawberry.UNSET,
        position: Position | None = strawberry.UNSET,
    ) -> CountedConnection[JourneyInstance]:
        size = page_size(first, 20)
        await info.context.catch_up(given(position))
        condition = given(where)
        conditions = {} if condition is None else to_wire(condition)
        page = await info.context.events.query_instances(conditions, size, given(after))
        return counted_connection(page, partial(to_instance, loaders=info.context.loaders.as_of(None)))
