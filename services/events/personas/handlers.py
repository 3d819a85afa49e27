"""Who customers are, worked out when it is asked: nothing is stored that the clock could make untrue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from infra.chassis.clock import Clock
from services.events.identity.domain import ProfileId
from services.events.identity.queries import CustomerQueries, CustomerRow
from services.events.personas.domain import (
    Known,
    Occurrence,
    Occurrences,
    PersonaVersion,
    assign,
    needs,
    occurrences_in,
)
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.personas.schemas import AssignmentDocument, PersonasOfCustomersBody, assignment_document
from services.events.timeline.domain import END, Microseconds
from services.events.timeline.entry import Entry


@dataclass(frozen=True, slots=True)
class Assignments:
    """The personas of customers as somebody knows them. None for one whom no persona means."""

    published: PublishedPersonas
    occurrences: OccurrenceQueries

    async def of_customers(
        self, workspace: str, rows: Mapping[ProfileId, CustomerRow], moment: Microseconds, before: bytes = END
    ) -> dict[ProfileId, AssignmentDocument | None]:
        """By their events before a bound. One query for each event that rules ask about, however many they are."""
        personas = await self.published.in_force(workspace)
        found = await self.occurrences.newest(workspace, rows.keys(), needs(personas), moment, before)
        return {customer: _assigned(personas, row, found[customer], moment) for customer, row in rows.items()}

    async def of_story(
        self, workspace: str, row: CustomerRow, entries: Sequence[Entry], moment: Microseconds
    ) -> AssignmentDocument | None:
        """By these events alone, which are in history order."""
        personas = await self.published.in_force(workspace)
        newest_first = ((one.name, Occurrence(one.key, one.occurred_at, one.id)) for one in reversed(entries))
        return _assigned(personas, row, occurrences_in(needs(personas), newest_first), moment)


@dataclass(frozen=True, slots=True)
class PersonaReads:
    """Answers in the order asked."""

    assignments: Assignments
    customers: CustomerQueries
    clock: Clock

    async def of_customers(self, workspace: str, body: PersonasOfCustomersBody) -> list[AssignmentDocument | None]:
        """The persona of each customer now; None for one who is not known, too."""
        asked = await self.customers.by_ids(workspace, body.customers)
        rows = await self.customers.read(workspace, {customer for customer in asked if customer is not None})
        found = await self.assignments.of_customers(workspace, rows, self.clock())
        return [None if customer is None else found.get(customer) for customer in asked]


def _assigned(
    personas: Sequence[PersonaVersion], row: CustomerRow, occurrences: Occurrences, moment: Microseconds
) -> AssignmentDocument | None:
    traits = {name: msgspec.json.decode(trait.value) for name, trait in row.traits.items()}
    moment = max(moment, row.last_seen_at)  # as everywhere: an event may be a few minutes ahead, and has happened
    assignment = assign(personas, Known(traits, occurrences, moment))
    return None if assignment is None else assignment_document(assignment)
