"""Reading the ledger: what events assert about the identifiers of customers, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among
from infra.chassis.errors import BadRequest
from services.events.identity.domain import (
    OVERFULL,
    Assertion,
    Link,
    Member,
    Pair,
    ProfileId,
    in_order,
)
from services.events.identity.queries import KnownIdentifier
from services.events.identity.store import links_of_clusters, members_of
from services.events.tables import identifiers, links
from services.events.timeline.domain import END, occurred_at_of


class Ledger(NamedTuple):
    """Of one customer. `members` has the profiles at both ends of each link, some of which may be of others."""

    assertions: Sequence[Assertion]
    members: Mapping[ProfileId, Member]

    def known(self, profile: ProfileId, bound: bytes = END) -> KnownIdentifier:
        """An identifier, with the trust that events below a history key give it."""
        member = self.members[profile]
        verified = member.verified_key is not None and member.verified_key < bound
        first_seen_at = occurred_at_of(member.first_key)
        return KnownIdentifier(member.customer, member.type, member.value, first_seen_at, verified)


class LedgerQueries:
    """Reads the ledgers of all workspaces, in the same few queries however many are asked for."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def of_customers(self, workspace: str, asked: Collection[ProfileId]) -> dict[ProfileId, Ledger]:
        """All links with an end at an identifier of the customer, oldest first."""
        async with self._state.read(snapshot=True) as connection:
            own = await members_of(connection, workspace, identifiers.c.customer, asked)
            clusters = {member.cluster for member in own.values()}
            drawn = await links_of_clusters(connection, workspace, clusters)
            drawn |= await _overfull(connection, workspace, asked)
            found = [pair for pair in drawn if pair.strong in own or pair.weak in own]
            others = {profile for pair in found for profile in pair[:2]} - own.keys()
            members = own | await members_of(connection, workspace, identifiers.c.profile, others)
        of_customer: dict[ProfileId, dict[Pair, Link]] = {customer: {} for customer in asked}
        for pair in found:
            for customer in {members[pair.strong].customer, members[pair.weak].customer} & of_customer.keys():
                of_customer[customer][pair] = drawn[pair]
        return {customer: Ledger(in_order(members, some), members) for customer, some in of_customer.items()}


def shown(assertions: Sequence[Assertion], first: int, after: str | None) -> Sequence[Assertion]:
    """So many of them behind the one with the id `after`. Raises BadRequest (BAD_CURSOR) if there is none."""
    start = 0
    if after is not None:
        start = next((number for number, one in enumerate(assertions, 1) if one.id == after), 0)
        if not start:
            raise BadRequest("This ledger has no entry of this id.", code="BAD_CURSOR")
    return assertions[start : start + first]


async def _overfull(connection: AsyncConnection, workspace: str, customers: Collection[ProfileId]) -> dict[Pair, Link]:
    """Links of these customers that no cluster has room for."""
    own = select(identifiers.c.profile).where(
        identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, customers)
    )
    # Spelt as in their index, which a bound value would not lead to.
    refused = links.c.refusal == literal_column(f"'{OVERFULL}'")
    columns = (links.c.strong, links.c.weak, links.c.verified, links.c.key, links.c.seq, links.c.slot, links.c.refusal)
    either = [
        select(*columns).where(links.c.workspace == workspace, refused, end.in_(own))
        for end in (links.c.strong, links.c.weak)
    ]
    return {
        Pair(*row[: len(Pair._fields)]): Link(*row[len(Pair._fields) :])
        for row in await connection.execute(union_all(*either))
    }
