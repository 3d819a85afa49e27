"""What stood in timelines at a moment: the parts of customers' histories before a bound, and who was known by then.

Of the projections only the timeline and today's identities are read: they hold every moment, and change by what is
new alone. A *bound* is a history key; what lies below it had happened.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among, chunked
from services.events.identity.domain import Identifier, ProfileId, profile_id
from services.events.identity.queries import KnownIdentifier
from services.events.ranges import first_of_each
from services.events.tables import identifiers, stuck, timeline
from services.events.timeline.domain import IDENTIFY, KIND_AT, Microseconds, occurred_at_of

_NAMED = (
    identifiers.c.customer,
    identifiers.c.type,
    identifiers.c.value,
    identifiers.c.first_key,
    identifiers.c.verified_key,
)


class Placed(NamedTuple):
    """An event of a history, and where it stands in the log."""

    key: bytes
    seq: int
    slot: int


class Span(NamedTuple):
    """The first event of a history and the last."""

    first: Placed
    last: Placed

    @property
    def first_seen_at(self) -> Microseconds:
        return occurred_at_of(self.first.key)

    @property
    def last_seen_at(self) -> Microseconds:
        return occurred_at_of(self.last.key)


class Extent(NamedTuple):
    """What a history consists of. Events are only ever added to a profile: equal extents are equal histories."""

    events: frozenset[tuple[ProfileId, int]]  # how many of each profile
    left_out: frozenset[str]  # ids of events that cannot be folded


class PastQueries:
    """Reads the timelines of all workspaces. Every method costs the same few queries, however much is asked."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def known(
        self, workspace: str, customers: Collection[ProfileId], bound: bytes
    ) -> dict[ProfileId, list[KnownIdentifier]]:
        """The identifiers of each customer that had been named, with the trust that they had."""
        found: dict[ProfileId, list[KnownIdentifier]] = {customer: [] for customer in customers}
        async with self._state.read() as connection:
            query = select(*_NAMED).where(_profiles(connection, workspace, customers), identifiers.c.first_key < bound)
            for row in await connection.execute(query):
                found[row.customer].append(_known(row, bound))
        return found

    async def named(
        self, workspace: str, secret: bytes, asked: Collection[Identifier], bound: bytes
    ) -> dict[Identifier, KnownIdentifier]:
        """What was known of each of these identifiers, as events carry them."""
        profiles = [profile_id(secret, *identifier) for identifier in asked]
        found: dict[Identifier, KnownIdentifier] = {}
        async with self._state.read() as connection:
            for some in chunked(profiles):
                query = select(*_NAMED).where(
                    identifiers.c.workspace == workspace,
                    among(connection, identifiers.c.profile, some),
                    identifiers.c.first_key < bound,
                )
                found |= {(row.type, row.value): _known(row, bound) for row in await connection.execute(query)}
        return found

    async def spans(self, workspace: str, customers: Collection[ProfileId], bound: bytes) -> dict[ProfileId, Span]:
        """The first event of each customer and the last; who had none is left out."""
        first = await self._ends(workspace, customers, bound, 1, newest_first=False)
        last = await self._ends(workspace, customers, bound, 1, newest_first=True)
        return {
            customer: Span(_placed(first[customer][0]), _placed(last[customer][0]))
            for customer in customers
            if first[customer] and last[customer]
        }

    async def newest(
        self, workspace: str, customers: Collection[ProfileId], bound: bytes, limit: int
    ) -> dict[ProfileId, list[Placed]]:
        """The last events of each customer, newest first."""
        found = await self._ends(workspace, customers, bound, limit, newest_first=True)
        return {customer: [_placed(row) for row in rows] for customer, rows in found.items()}

    async def identifies(
        self, workspace: str, customers: Collection[ProfileId], bound: bytes
    ) -> list[tuple[ProfileId, int, int]]:
        """The identify events of customers as (customer, seq, slot), in the order of the log."""
        kind = func.substr(timeline.c.key, KIND_AT + 1, 1, type_=LargeBinary)
        async with self._state.read() as connection:
            query = _history(connection, workspace, customers, bound).where(kind == IDENTIFY)
            found = [(row.customer, row.seq, row.slot) for row in await connection.execute(query)]
        return sorted(found, key=itemgetter(1, 2))

    async def places(self, workspace: str, customer: ProfileId, bound: bytes) -> list[tuple[int, int]]:
        """Where the events of a customer stand in the log, in the order of the log."""
        async with self._state.read() as connection:
            rows = await connection.execute(_history(connection, workspace, [customer], bound))
            return sorted((row.seq, row.slot) for row in rows)

    async def extent(self, workspace: str, customer: ProfileId, bound: bytes) -> Extent:
        """What would have to be folded, told without reading it."""
        async with self._state.read() as connection:
            counts = (
                select(timeline.c.profile, func.count())
                .join_from(identifiers, timeline, _same_profile)
                .where(_profiles(connection, workspace, [customer]), timeline.c.key < bound)
                .group_by(timeline.c.profile)
            )
            events = frozenset((profile, count) for profile, count in await connection.execute(counts))
            cannot = select(stuck.c.event).where(stuck.c.workspace == workspace, stuck.c.customer == customer)
            return Extent(events, frozenset((await connection.execute(cannot)).scalars()))

    async def _ends(
        self, workspace: str, customers: Collection[ProfileId], bound: bytes, limit: int, *, newest_first: bool
    ) -> dict[ProfileId, list[Row[Any]]]:
        to_key = literal(bound, LargeBinary).label("to_key")
        columns = (identifiers.c.workspace, identifiers.c.profile, identifiers.c.customer.label("owner"), to_key)
        async with self._state.read() as connection:
            owners = select(*columns).where(
                _profiles(connection, workspace, customers), identifiers.c.first_key < bound
            )
            return await first_of_each(
                connection, customers, owners.subquery(), timeline, limit=limit, newest_first=newest_first
            )


_same_profile = and_(timeline.c.workspace == identifiers.c.workspace, timeline.c.profile == identifiers.c.profile)


def _profiles(connection: AsyncConnection, workspace: str, customers: Iterable[ProfileId]) -> ColumnElement[bool]:
    return and_(identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, list(customers)))


def _history(
    connection: AsyncConnection, workspace: str, customers: Iterable[ProfileId], bound: bytes
) -> Select[ProfileId, int, int]:
    return (
        select(identifiers.c.customer, timeline.c.seq, timeline.c.slot)
        .join_from(identifiers, timeline, _same_profile)
        .where(_profiles(connection, workspace, customers), timeline.c.key < bound)
    )


def _placed(row: Row[Any]) -> Placed:
    return Placed(row.key, row.seq, row.slot)


def _known(row: Row[Any, Any, Any, Any, Any], bound: bytes) -> KnownIdentifier:
    verified = row.verified_key is not None and row.verified_key < bound
    return KnownIdentifier(row.customer, row.type, row.value, occurred_at_of(row.first_key), verified)
