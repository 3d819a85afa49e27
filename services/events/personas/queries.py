"""Reading which personas there are, and when a customer did what their rules ask about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import LargeBinary, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database, among
from services.events.identity.domain import ProfileId
from services.events.personas.domain import (
    Need,
    Occurrence,
    Occurrences,
    PersonaVersion,
    name_digest,
    persona_version,
)
from services.events.ranges import first_of_each
from services.events.tables import asked_names, identifiers, occurrences, published_personas
from services.events.timeline.domain import END, Microseconds, first_key_at, occurred_at_of


class _Held(NamedTuple):
    """What is published, and the names whose former events are still looked for."""

    versions: frozenset[tuple[str, int]]
    incomplete: frozenset[bytes]


class PublishedPersonas:
    """The personas of each workspace: a snapshot that keeps working when the personas service is away."""

    def __init__(self, state: Database) -> None:
        self._state = state
        self._in_force: dict[str, tuple[_Held, Sequence[PersonaVersion]]] = {}

    async def in_force(self, workspace: str) -> Sequence[PersonaVersion]:
        """The newest version of each persona, by key. Two cheap queries when nothing changed.

        While events that a version is the first to ask about are still looked for, the one before goes on.
        """
        async with self._state.read(snapshot=True) as connection:
            held = await _held(connection, workspace)
            known = self._in_force.get(workspace)
            if known is not None and known[0] == held:
                return known[1]
            versions = await _versions(connection, workspace)
        newest = {
            one.key: one
            for one in versions
            if one.rule is None or held.incomplete.isdisjoint(name_digest(name) for name in one.rule.names)
        }
        personas = sorted(newest.values(), key=attrgetter("key"))
        self._in_force[workspace] = (held, personas)
        return personas

    async def logged(self, workspace: str) -> dict[str, int]:
        """The newest version of each persona that was taken from the log."""
        async with self._state.read() as connection:
            held = await _held(connection, workspace)
        return dict(sorted(held.versions))


async def looked_for(connection: AsyncConnection, workspace: str) -> frozenset[bytes]:
    """The names of events that are still looked for in what was logged before somebody asked about them."""
    query = select(asked_names.c.name).where(asked_names.c.workspace == workspace, asked_names.c.until_seq.is_not(None))
    return frozenset((await connection.execute(query)).scalars())


async def _held(connection: AsyncConnection, workspace: str) -> _Held:
    columns = (published_personas.c.persona, published_personas.c.version)
    published = await connection.execute(select(*columns).where(published_personas.c.workspace == workspace))
    versions = frozenset((row.persona, row.version) for row in published)
    return _Held(versions, await looked_for(connection, workspace))


async def _versions(connection: AsyncConnection, workspace: str) -> list[PersonaVersion]:
    columns = (published_personas.c.persona, published_personas.c.version, published_personas.c.matches)
    query = select(*columns).where(published_personas.c.workspace == workspace)
    found = await connection.execute(query.order_by(published_personas.c.version))
    return [persona_version(row.persona, row.version, row.matches) for row in found]


class OccurrenceQueries:
    """Reads histories by the names of events; what is read depends on how much is asked, not on how much there is."""

    def __init__(self, state: Database) -> None:
        self._state = state

    async def newest(
        self,
        workspace: str,
        customers: Collection[ProfileId],
        needs: Sequence[Need],
        moment: Microseconds,
        before: bytes = END,
    ) -> dict[ProfileId, Occurrences]:
        """What is needed of each customer, as seen at a moment, of the history before a bound.

        One query for each need, however many customers are asked about.
        """
        found: dict[ProfileId, dict[str, list[Occurrence]]] = {customer: {} for customer in customers}
        async with self._state.read(snapshot=True) as connection:
            for need in needs if customers else ():
                profiles = (identifiers.c.workspace, identifiers.c.profile, identifiers.c.customer.label("owner"))
                bounds = [
                    literal(name_digest(need.name), LargeBinary).label("name"),
                    literal(before, LargeBinary).label("to_key"),
                ]
                if need.within is not None:
                    since = first_key_at(moment - need.within + 1)
                    bounds.append(literal(since, LargeBinary).label("from_key"))
                own = identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, customers)
                owners = select(*profiles, *bounds).where(*own).subquery()
                rows = await first_of_each(
                    connection, customers, owners, occurrences, limit=need.most, newest_first=True
                )
                for customer, of_customer in rows.items():
                    found[customer][need.name] = [
                        Occurrence(row.key, occurred_at_of(row.key), f"{row.seq}-{row.slot}") for row in of_customer
                    ]
        return dict(found)
