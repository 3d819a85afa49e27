"""Which customers a caller wants: the CustomerFilter of the GraphQL contract, and what it asks of rows."""

from __future__ import annotations

from pydantic import AwareDatetime

from infra.chassis.clock import from_datetime
from services.events.identity.domain import ProfileId
from services.events.identity.listing import Wanted
from services.events.identity.schemas import IdentifierBody
from services.events.live.domain import Status
from services.events.schemas import Body, Cursor, First, Text
from services.events.tables import customers, instances


class CustomerFilter(Body):
    """`journey`, `status` and `phase` are met by one instance all at once; `identifier` by one customer at most."""

    journey: Text | None = None
    status: list[Status] | None = None
    phase: Text | None = None
    seen_since: AwareDatetime | None = None
    identifier: IdentifierBody | None = None


class QueryBody(Body):
    where: CustomerFilter = CustomerFilter()
    first: First = 20
    after: Cursor = None


def wanted(where: CustomerFilter, named: ProfileId | None) -> Wanted:
    """`named` is the customer whom `identifier` means; None: nobody, if it is given."""
    own = [] if where.seen_since is None else [customers.c.last_seen_at >= from_datetime(where.seen_since)]
    if where.identifier is not None:
        own.append(customers.c.customer == (named or b""))
    standing = [] if where.phase is None else [instances.c.phase == where.phase]
    if where.status is not None:
        standing.append(instances.c.status.in_(set(where.status)))
    return Wanted(own, where.journey, standing)
