"""What each internal call on behalf of a customer answers: what the same call would, were there nothing in the
workspace but what may be told to them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from services.events.disclosure.domain import Story
from services.events.disclosure.schemas import (
    ToldCustomersBody,
    ToldEventsBody,
    ToldExplainBody,
    ToldFindBody,
    ToldLedgersBody,
    ToldOfCustomersBody,
    ToldOfEventsBody,
    ToldPersonasOfCustomersBody,
    ToldStepsBody,
    ToldTimelinesBody,
    told_event_document,
)
from services.events.disclosure.stories import Stories
from services.events.explanation import ExplanationDocument
from services.events.identity.schemas import CustomerDocument, LedgerEntryDocument, customer_document, ledger_documents
from services.events.ids import parse_id
from services.events.live.explaining import explained
from services.events.live.queries import InstanceRow
from services.events.live.schemas import InstanceDocument, StepDocument, instance_document, step_document
from services.events.models.queries import Models
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.personas.handlers import Assignments
from services.events.personas.schemas import AssignmentDocument
from services.events.timeline.queries import Wanted
from services.events.timeline.schemas import EventDocument

# Cursors of today's lists, which are in the same order.
_INSTANCE_TAG, _STEP_TAG, _EVENT_TAG = b"i", b"s", b"t"
_PLACE = struct.Struct(">q16s")  # start, id


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Answers in the order asked, with None for what is not known or is somebody else's."""

    stories: Stories
    models: Models
    assignments: Assignments

    async def find(self, workspace: str, body: ToldFindBody) -> list[CustomerDocument | None]:
        story, _ = await self.stories.of(workspace, body.identifier)
        asked = [(identifier.type, identifier.value) for identifier in body.identifiers]
        return [customer_document(story.row) if one in story.named else None for one in asked]

    async def read(self, workspace: str, body: ToldCustomersBody) -> list[CustomerDocument | None]:
        story, _ = await self.stories.of(workspace, body.identifier)
        return [customer_document(story.row) if _owns(story, id) else None for id in body.ids]

    async def ledgers(self, workspace: str, body: ToldLedgersBody) -> list[list[LedgerEntryDocument] | None]:
        """The links that trusted senders have drawn and that make the customer one, oldest first."""
        story, _ = await self.stories.of(workspace, body.identifier)
        return [
            ledger_documents(body, story.ledger, story.known_by) if _owns(story, id) else None for id in body.customers
        ]

    async def personas(self, workspace: str, body: ToldPersonasOfCustomersBody) -> list[AssignmentDocument | None]:
        """Who the customer is by what may be told to them."""
        story, _ = await self.stories.of(workspace, body.identifier)
        if not story.entries:
            return [None] * len(body.customers)
        told = await self.assignments.of_story(workspace, story.row, story.entries, self.stories.clock())
        return [told if _owns(story, customer) else None for customer in body.customers]

    # --- events ------------------------------------------------------------------------------------------------------

    async def pages(self, workspace: str, body: ToldTimelinesBody) -> list[Page[EventDocument] | None]:
        """A page of the customer's events, newest first; with a journey those that are steps on it."""
        story, _ = await self.stories.of(workspace, body.identifier)
        wanted = Wanted(body.first, body.after, body.journey, body.channel, body.name)
        before = None if wanted.after is None else read_cursor(_EVENT_TAG, wanted.after)
        taken: set[str] | None = None
        if wanted.journey is not None:
            past = await self.stories.past(workspace, story)
            taken = {f"{step.seq}-{step.slot}" for step in past.steps_on(wanted.journey)}
        entries = [
            entry
            for entry in reversed(story.entries)
            if (before is None or entry.key < before)
            and (taken is None or entry.id in taken)
            and wanted.lets_pass(entry)
        ]
        shown = entries[: wanted.first + 1]
        documents = [told_event_document(entry, story) for entry in shown]
        page = page_of(documents, [write_cursor(_EVENT_TAG, entry.key) for entry in shown], wanted.first, wanted.after)
        return [page if _owns(story, customer) else None for customer in body.customers]

    async def events(self, workspace: str, body: ToldEventsBody) -> list[EventDocument | None]:
        story, _ = await self.stories.of(workspace, body.identifier)
        told = {entry.id: entry for entry in story.entries}
        return [told_event_document(told[id], story) if id in told else None for id in body.ids]

    # --- instances ---------------------------------------------------------------------------------------------------

    async def of_customers(self, workspace: str, body: ToldOfCustomersBody) -> list[Page[InstanceDocument] | None]:
        """A page of the customer's instances, newest start first."""
        story, _ = await self.stories.of(workspace, body.identifier)
        beyond = None if body.after is None else _PLACE.unpack(read_cursor(_INSTANCE_TAG, body.after, [_PLACE.size]))
        instances = (await self.stories.past(workspace, story)).instances.values()
        met = [one.row for one in instances if _meets(one.row, body)]
        rows = [row for row in met if beyond is None or (row.started_at, row.instance) < beyond][: body.first + 1]
        cursors = [write_cursor(_INSTANCE_TAG, _PLACE.pack(row.started_at, row.instance)) for row in rows]
        page = page_of(await self._shown(workspace, rows), cursors, body.first, body.after, len(met))
        return [page if _owns(story, customer) else None for customer in body.customers]

    async def of_events(self, workspace: str, body: ToldOfEventsBody) -> list[list[InstanceDocument]]:
        """For each event the instances that took it."""
        story, _ = await self.stories.of(workspace, body.identifier)
        asked = set(body.events)
        past = await self.stories.past(workspace, story)
        takers = past.takers([entry for entry in story.entries if entry.id in asked])
        return [await self._shown(workspace, takers.get(id, ())) for id in body.events]

    async def steps(self, workspace: str, body: ToldStepsBody) -> list[Page[StepDocument] | None]:
        """A page of each instance's steps, oldest first."""
        story, _ = await self.stories.of(workspace, body.identifier)
        beyond = b"" if body.after is None else read_cursor(_STEP_TAG, body.after)
        instances = (await self.stories.past(workspace, story)).instances
        journeys = await self.models.journeys(workspace)

        def page(id: str) -> Page[StepDocument] | None:
            instance = instances.get(parse_id(id) or b"")
            if instance is None:
                return None
            steps = instance.steps_behind(beyond)[: body.first + 1]
            documents = [step_document(instance.step(step), journeys) for step in steps]
            cursors = [write_cursor(_STEP_TAG, step.key) for step in steps]
            return page_of(documents, cursors, body.first, body.after)

        return [page(id) for id in body.instances]

    async def explain(self, workspace: str, body: ToldExplainBody) -> list[list[ExplanationDocument] | None]:
        """Why each instance stands as it does: by what may be told, and by nothing else."""
        story, _ = await self.stories.of(workspace, body.identifier)
        past = await self.stories.past(workspace, story)
        events = {entry.id: entry for entry in story.entries}
        journeys = await self.models.journeys(workspace)
        standings = [past.standing(parse_id(id) or b"") for id in body.instances]
        return [standing and explained(standing, journeys, events) for standing in standings]

    async def _shown(self, workspace: str, rows: Iterable[InstanceRow]) -> list[InstanceDocument]:
        journeys = await self.models.journeys(workspace)
        return [instance_document(row, journeys) for row in rows]


def _owns(story: Story, id: str) -> bool:
    return bool(story.entries) and story.customer.hex() == id


def _meets(row: InstanceRow, wanted: ToldOfCustomersBody) -> bool:
    return (
        (wanted.journey is None or row.journey == wanted.journey)
        and (wanted.key is None or row.key == wanted.key)
        and (wanted.status is None or row.status in wanted.status)
    )
