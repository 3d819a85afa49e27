"""The list of customers, who was seen last comes first: pages at a cost that does not depend on how many there are."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, Row, and_, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among
from services.events.identity.domain import ProfileId
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.tables import customers, identifiers, instances
from services.events.visible import is_visible

Condition = ColumnElement[bool]

MOST_LOOKED_AT = 10_000
"""Customers, and instances of a journey, that one page looks at in search of customers with certain instances."""

_TAG = b"c"
_PLACE = struct.Struct(">q16s")  # last event, id: the order of the list
_COLUMNS = (customers.c.last_seen_at, customers.c.customer)


class Wanted(NamedTuple):
    """Which customers: those that meet all of `own`, and have an instance (of the journey) that meets all of
    `standing` if either is given."""

    own: Sequence[Condition] = ()
    journey: str | None = None
    standing: Sequence[Condition] = ()

    @property
    def by_instance(self) -> bool:
        return self.journey is not None or bool(self.standing)


async def listed(
    connection: AsyncConnection,
    workspace: str,
    wanted: Wanted,
    first: int,
    after: str | None,
    most: int = MOST_LOOKED_AT,
) -> Page[ProfileId]:
    """A page of the customers that are wanted.

    It may hold fewer than there are, with `has_next_page` and a cursor from where to go on, when `most` customers were
    looked at, too few had such an instance, and the journey has more than `most` instances. Raises BadRequest
    (BAD_CURSOR).
    """
    search = _Search(connection, workspace, wanted, first, after, most)
    end = await search.last_to_look_at() if wanted.by_instance else None
    found = await search.one_by_one(end)
    if end is not None and len(found) <= first and (few := await search.of_few()) is not None:
        found, end = few, None
    page = page_of(found, [write_cursor(_TAG, _PLACE.pack(*row)) for row in found], first, after)
    if end is not None and not page.has_next_page:
        page.has_next_page, page.end_cursor = True, write_cursor(_TAG, _PLACE.pack(*end))
    return page.of([row.customer for row in page.items])


@dataclass(frozen=True, slots=True)
class _Search:
    """Subqueries are scalar, so that each row is looked up by itself, in order: PostgreSQL makes joins of EXISTS, takes
    profiles that are their own customer's for rare, and reads all identifiers."""

    connection: AsyncConnection
    workspace: str
    wanted: Wanted
    first: int
    after: str | None
    most: int

    async def last_to_look_at(self) -> Row[Any, Any] | None:
        """Where enough has been looked at; None if the list ends before."""
        query = select(*_COLUMNS).where(*self._met()).order_by(*_newest_first())
        return (await self.connection.execute(query.offset(self.most - 1).limit(1))).first()

    async def one_by_one(self, end: Row[Any, Any] | None) -> Sequence[Row[Any, Any]]:
        """In the order of the list, as far as `end`."""
        met = self._met()
        if end is not None:
            met.append(_place() >= _place_of(*end))
        if self.wanted.by_instance:
            met.append(self._has_instance())
        query = select(*_COLUMNS).where(*met, _is_customer()).order_by(*_newest_first())
        return (await self.connection.execute(query.limit(self.first + 1))).all()

    async def of_few(self) -> Sequence[Row[Any, Any]] | None:
        """By way of the instances of the journey; None if there are too many."""
        if self.wanted.journey is None:
            return None
        meets = and_(true(), *self.wanted.standing)
        query = select(instances.c.customer, meets.label("meets")).where(
            instances.c.workspace == self.workspace,
            instances.c.journey == self.wanted.journey,
            is_visible(self.connection, self.workspace, instances.c.build, self.wanted.journey),
        )
        looked_at = (await self.connection.execute(query.limit(self.most + 1))).all()
        if len(looked_at) > self.most:
            return None
        of_them = {row.customer for row in looked_at if row.meets}
        own = select(*_COLUMNS).where(
            *self._met(), among(self.connection, customers.c.customer, of_them), _is_customer()
        )
        # Sorted here: for an order SQLite would walk through all customers.
        return sorted(await self.connection.execute(own), key=tuple, reverse=True)[: self.first + 1]

    def _met(self) -> list[Condition]:
        met = [customers.c.workspace == self.workspace, *self.wanted.own]
        if self.after is not None:
            met.append(_place() < _place_of(*_PLACE.unpack(read_cursor(_TAG, self.after, [_PLACE.size]))))
        return met

    def _has_instance(self) -> Condition:
        """Looked up by customer and build: by the journey, SQLite would read all of its instances for each customer."""
        own = instances.c.workspace == customers.c.workspace, instances.c.customer == customers.c.customer
        visible = is_visible(self.connection, self.workspace, instances.c.build, self.wanted.journey)
        one = select(literal(1)).where(*own, visible, *self.wanted.standing).limit(1).correlate(customers)
        return one.scalar_subquery().is_not(None)


def _is_customer() -> Condition:
    """Whether a row is of somebody who is a customer by now: until histories are folded, it may be of one who has
    become part of another."""
    now = select(identifiers.c.customer).where(
        identifiers.c.workspace == customers.c.workspace, identifiers.c.profile == customers.c.customer
    )
    return now.scalar_subquery() == customers.c.customer


def _newest_first() -> list[ColumnElement[Any]]:
    return [column.desc() for column in _COLUMNS]


def _place() -> ColumnElement[Any]:
    return tuple_(*_COLUMNS)


def _place_of(last_seen_at: int, customer: ProfileId) -> ColumnElement[Any]:
    return tuple_(literal(last_seen_at, BigInteger), literal(customer, LargeBinary))
