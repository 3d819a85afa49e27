"""Reading customers: who an identifier or an id names now, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among, chunked
from services.events.identity.domain import CUSTOMER_ID, Identifier, ProfileId, profile_id, strength
from services.events.identity.listing import Wanted, listed
from services.events.ids import parse_id
from services.events.intake.store import LogStore
from services.events.live import traits
from services.events.live.traits import Trait
from services.events.paging import Page
from services.events.tables import customers, identifiers
from services.events.timeline.domain import Microseconds, occurred_at_of


class KnownIdentifier(NamedTuple):
    """An identifier that events have named, and of which customer it is now."""

    customer: ProfileId
    type: str
    value: str
    first_seen_at: Microseconds
    verified: bool


class CustomerRow(NamedTuple):
    customer: ProfileId
    identifiers: list[KnownIdentifier]  # the strongest first
    traits: dict[str, Trait]
    first_seen_at: Microseconds
    last_seen_at: Microseconds
    first_event: str


_KNOWN = (
    identifiers.c.customer,
    identifiers.c.type,
    identifiers.c.value,
    identifiers.c.first_key,
    identifiers.c.verified_key,
)
_ABOUT = (
    customers.c.customer,
    customers.c.traits,
    customers.c.first_seen_at,
    customers.c.last_seen_at,
    customers.c.first_event,
)


class CustomerQueries:
    """Reads the customers of all workspaces. Every method costs the same few queries, however much is asked."""

    def __init__(self, state: Database, log: LogStore) -> None:
        self._state = state
        self._log = log
        self._secrets: dict[str, bytes] = {}

    async def find(self, workspace: str, asked: Sequence[Identifier]) -> list[ProfileId | None]:
        """For each identifier its customer. Type `customer_id` names one by id, also by an id of before a merge."""
        candidates = await self.candidates(workspace, asked)
        present = await self.present(workspace, {profile for some in candidates for profile in some})
        return [next((present[profile] for profile in some if profile in present), None) for some in candidates]

    async def present(self, workspace: str, profiles: Collection[ProfileId]) -> dict[ProfileId, ProfileId]:
        """The customer that each profile belongs to now; profiles that nobody has named are left out.

        A customer's id is a profile of theirs, so this also tells what became of an id that was given out once.
        """
        async with self._state.read() as connection:
            query = select(identifiers.c.profile, identifiers.c.customer).where(
                identifiers.c.workspace == workspace, among(connection, identifiers.c.profile, profiles)
            )
            return {row.profile: row.customer for row in await connection.execute(query)}

    async def candidates(self, workspace: str, asked: Sequence[Identifier]) -> list[list[ProfileId]]:
        """For each identifier the profiles that it may mean, the likeliest first, whether or not they are known yet."""
        secret = await self._secret(workspace)
        return [_candidates(secret, identifier) for identifier in asked]

    async def profiles(self, workspace: str, asked: Collection[ProfileId]) -> dict[ProfileId, list[ProfileId]]:
        """For each profile all those of the customer that it belongs to now: every id this customer ever had is one."""
        named, own = identifiers.alias("named"), identifiers.alias("own")
        same = and_(own.c.workspace == named.c.workspace, own.c.customer == named.c.customer)
        found: dict[ProfileId, list[ProfileId]] = {}
        async with self._state.read() as connection:
            for some in chunked(list(asked)):
                of_them = named.c.workspace == workspace, among(connection, named.c.profile, some)
                query = select(named.c.profile, own.c.profile.label("other")).join_from(named, own, same)
                for row in await connection.execute(query.where(*of_them).order_by("other")):
                    found.setdefault(row.profile, []).append(row.other)
        return found

    async def by_ids(self, workspace: str, ids: Sequence[str]) -> list[ProfileId | None]:
        """For each public id the customer it names now."""
        profiles = [parse_id(id) for id in ids]
        present = await self.present(workspace, {profile for profile in profiles if profile is not None})
        return [None if profile is None else present.get(profile) for profile in profiles]

    async def read(self, workspace: str, asked: Collection[ProfileId]) -> dict[ProfileId, CustomerRow]:
        """What is known of each customer; one whose first event is not folded yet is left out."""
        async with self._state.read() as connection:
            return await _read(connection, workspace, asked)

    async def page(self, workspace: str, wanted: Wanted, first: int, after: str | None) -> Page[CustomerRow]:
        """A page of customers, who was seen last comes first; see `listed`."""
        async with self._state.read(snapshot=True) as connection:
            page = await listed(connection, workspace, wanted, first, after)
            rows = await _read(connection, workspace, page.items)
        return page.of([rows[customer] for customer in page.items])

    async def named(self, workspace: str, asked: Iterable[Identifier]) -> dict[Identifier, KnownIdentifier]:
        """What is known of each of these identifiers, as events carry them."""
        secret = await self._secret(workspace)
        profiles = [profile_id(secret, *identifier) for identifier in set(asked)]
        found: dict[Identifier, KnownIdentifier] = {}
        async with self._state.read() as connection:
            for some in chunked(profiles):
                query = select(*_KNOWN).where(
                    identifiers.c.workspace == workspace, among(connection, identifiers.c.profile, some)
                )
                found |= {(row.type, row.value): _known(row) for row in await connection.execute(query)}
        return found

    async def owners(self, workspace: str, asked: Iterable[Identifier]) -> dict[Identifier, ProfileId]:
        """The customer of each of these identifiers."""
        return {identifier: known.customer for identifier, known in (await self.named(workspace, asked)).items()}

    async def _secret(self, workspace: str) -> bytes:
        if workspace not in self._secrets:
            self._secrets[workspace] = await self._log.secret(workspace)
        return self._secrets[workspace]


async def _read(
    connection: AsyncConnection, workspace: str, asked: Collection[ProfileId]
) -> dict[ProfileId, CustomerRow]:
    known: dict[ProfileId, list[KnownIdentifier]] = {customer: [] for customer in asked}
    query = select(*_KNOWN).where(
        identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, asked)
    )
    for row in await connection.execute(query):
        known[row.customer].append(_known(row))
    about = select(*_ABOUT).where(customers.c.workspace == workspace, among(connection, customers.c.customer, asked))
    return {
        row.customer: CustomerRow(
            row.customer,
            sorted(known[row.customer], key=lambda one: strength((one.type, one.value))),
            traits.read(row.traits),
            row.first_seen_at,
            row.last_seen_at,
            row.first_event,
        )
        for row in await connection.execute(about)
    }


def _candidates(secret: bytes, identifier: Identifier) -> list[ProfileId]:
    """The profiles that an identifier may mean, the likeliest first."""
    type, value = identifier
    candidates = [profile_id(secret, type, value)]
    if type == CUSTOMER_ID:  # ours, before one that a source uses under the same name
        ours = parse_id(value)
        return candidates if ours is None else [ours, *candidates]
    if type == "email":  # intake stores addresses trimmed and in small letters
        candidates.append(profile_id(secret, type, value.strip().lower()))
    return candidates


def _known(row: Row[Any, Any, Any, Any, Any]) -> KnownIdentifier:
    return KnownIdentifier(
        row.customer, row.type, row.value, occurred_at_of(row.first_key), row.verified_key is not None
    )
