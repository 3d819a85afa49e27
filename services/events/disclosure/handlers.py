"""What each internal call on behalf of a customer answers: what the same call would, were there nothing in the
workspace but what may be told to them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from infra.chassis.clock import Clock
from infra.chassis.database import chunked
from services.events.disclosure.domain import Story, may_be_told
from services.events.disclosure.queries import DisclosureQueries
from services.events.disclosure.schemas import (
    Told,
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
)
from services.events.explanation import ExplanationDocument
from services.events.identity.domain import profile_id
from services.events.identity.schemas import CustomerDocument, LedgerEntryDocument, customer_document, ledger_documents
from services.events.ids import parse_id
from services.events.intake.store import LogStore
from services.events.live.explaining import explained
from services.events.live.past.folding import Past, folded
from services.events.live.queries import InstanceRow
from services.events.live.schemas import InstanceDocument, StepDocument, instance_document, step_document
from services.events.models.queries import Models
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.personas.handlers import Assignments
from services.events.personas.schemas import AssignmentDocument
from services.events.timeline.entry import Entry
from services.events.timeline.queries import Wanted
from services.events.timeline.reader import EntryReader
from services.events.timeline.schemas import EventDocument, event_document

MOST_TOLD = 5_000
"""The newest events of a customer that are told and folded; each call reads them all."""

_MOST_LOOKED_AT = 20_000  # in search of those: anybody can send claims
_LOOKED_AT_ONCE = 500

# Cursors of today's lists, which are in the same order.
_INSTANCE_TAG, _STEP_TAG, _EVENT_TAG = b"i", b"s", b"t"
_PLACE = struct.Struct(">q16s")  # start, id


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Answers in the order asked, with None for what is not known or is somebody else's."""

    queries: DisclosureQueries
    models: Models
    assignments: Assignments
    reader: EntryReader
    log: LogStore
    clock: Clock
    most: int = MOST_TOLD

    async def find(self, workspace: str, body: ToldFindBody) -> list[CustomerDocument | None]:
        story = await self._story(workspace, body)
        asked = [(identifier.type, identifier.value) for identifier in body.identifiers]
        return [customer_document(story.row) if story and one in story.known else None for one in asked]

    async def read(self, workspace: str, body: ToldCustomersBody) -> list[CustomerDocument | None]:
        story = await self._story(workspace, body)
        return [customer_document(story.row) if _owns(story, id) and story else None for id in body.ids]

    async def ledgers(self, workspace: str, body: ToldLedgersBody) -> list[list[LedgerEntryDocument] | None]:
        """The links that trusted senders have drawn and that make the customer one, oldest first."""
        story = await self._story(workspace, body)
        return [
            ledger_documents(body, story.ledger, story.known_by) if story is not None and _owns(story, id) else None
            for id in body.customers
        ]

    async def personas(self, workspace: str, body: ToldPersonasOfCustomersBody) -> list[AssignmentDocument | None]:
        """Who the customer is by what may be told to them."""
        story = await self._story(workspace, body)
        if story is None:
            return [None] * len(body.customers)
        told = await self.assignments.of_story(workspace, story.row, story.entries, self.clock())
        return [told if _owns(story, customer) else None for customer in body.customers]

    # --- events ------------------------------------------------------------------------------------------------------

    async def pages(self, workspace: str, body: ToldTimelinesBody) -> list[Page[EventDocument] | None]:
        """A page of the customer's events, newest first; with a journey those that are steps on it."""
        story = await self._story(workspace, body)
        wanted = Wanted(body.first, body.after, body.journey, body.channel, body.name)
        before = None if wanted.after is None else read_cursor(_EVENT_TAG, wanted.after)
        taken: set[str] | None = None
        if story is not None and wanted.journey is not None:
            past = await self._past(workspace, story)
            taken = {f"{step.seq}-{step.slot}" for step in past.steps_on(wanted.journey)}
        entries = [
            entry
            for entry in reversed(story.entries if story else ())
            if (before is None or entry.key < before)
            and (taken is None or entry.id in taken)
            and wanted.lets_pass(entry)
        ]
        shown = entries[: wanted.first + 1]
        documents = [_event(entry, story) for entry in shown] if story else []
        page = page_of(documents, [write_cursor(_EVENT_TAG, entry.key) for entry in shown], wanted.first, wanted.after)
        return [page if _owns(story, customer) else None for customer in body.customers]

    async def events(self, workspace: str, body: ToldEventsBody) -> list[EventDocument | None]:
        story = await self._story(workspace, body)
        told = {entry.id: entry for entry in story.entries} if story else {}
        return [_event(told[id], story) if story and id in told else None for id in body.ids]

    # --- instances ---------------------------------------------------------------------------------------------------

    async def of_customers(self, workspace: str, body: ToldOfCustomersBody) -> list[Page[InstanceDocument] | None]:
        """A page of the customer's instances, newest start first."""
        story = await self._story(workspace, body)
        beyond = None if body.after is None else _PLACE.unpack(read_cursor(_INSTANCE_TAG, body.after, [_PLACE.size]))
        instances = (await self._past(workspace, story)).instances.values() if story else ()
        met = [one.row for one in instances if _meets(one.row, body)]
        rows = [row for row in met if beyond is None or (row.started_at, row.instance) < beyond][: body.first + 1]
        cursors = [write_cursor(_INSTANCE_TAG, _PLACE.pack(row.started_at, row.instance)) for row in rows]
        page = page_of(await self._shown(workspace, rows), cursors, body.first, body.after, len(met))
        return [page if _owns(story, customer) else None for customer in body.customers]

    async def of_events(self, workspace: str, body: ToldOfEventsBody) -> list[list[InstanceDocument]]:
        """For each event the instances that took it."""
        story = await self._story(workspace, body)
        asked = set(body.events)
        takers: dict[str, list[InstanceRow]] = {}
        if story is not None:
            past = await self._past(workspace, story)
            takers = past.takers([entry for entry in story.entries if entry.id in asked])
        return [await self._shown(workspace, takers.get(id, ())) for id in body.events]

    async def steps(self, workspace: str, body: ToldStepsBody) -> list[Page[StepDocument] | None]:
        """A page of each instance's steps, oldest first."""
        story = await self._story(workspace, body)
        beyond = b"" if body.after is None else read_cursor(_STEP_TAG, body.after)
        instances = (await self._past(workspace, story)).instances if story else {}
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
        story = await self._story(workspace, body)
        if story is None:
            return [None for _ in body.instances]
        past = await self._past(workspace, story)
        events = {entry.id: entry for entry in story.entries}
        journeys = await self.models.journeys(workspace)
        standings = [past.standing(parse_id(id) or b"") for id in body.instances]
        return [standing and explained(standing, journeys, events) for standing in standings]

    # --- reading -----------------------------------------------------------------------------------------------------

    async def _story(self, workspace: str, body: Told) -> Story | None:
        """What may be told to the one on whose behalf is asked; None if that is nothing."""
        secret = await self.log.secret(workspace)
        vouched = await self.queries.vouched_for(workspace, profile_id(secret, *body.identifier))
        if vouched is None:
            return None
        own = {(member.type, member.value) for member in vouched.members.values()}
        places = await self.queries.newest(workspace, vouched.members, _MOST_LOOKED_AT)
        left_out = await self.queries.left_out(workspace, vouched.members.values())
        told: list[Entry] = []
        for some in chunked(places, _LOOKED_AT_ONCE):
            entries = [entry for entry in await self.reader.read(workspace, some) if entry is not None]
            told += [entry for entry in entries if entry.id not in left_out and may_be_told(entry, own)]
            if len(told) >= self.most:
                break
        if not told:
            return None
        return Story(vouched, told[: self.most][::-1])

    async def _past(self, workspace: str, story: Story) -> Past:
        """What the story means now. In a thread, so that everybody else is answered meanwhile."""
        journeys = await self.models.journeys(workspace)
        schedules = {key: journey.schedule for key, journey in journeys.items()}
        secret = await self.log.secret(workspace)
        now = max(self.clock(), story.row.last_seen_at)  # an event may be a few minutes ahead
        return await asyncio.to_thread(folded, schedules, secret, story.customer, story.entries, now)

    async def _shown(self, workspace: str, rows: Iterable[InstanceRow]) -> list[InstanceDocument]:
        journeys = await self.models.journeys(workspace)
        return [instance_document(row, journeys) for row in rows]


def _owns(story: Story | None, id: str) -> bool:
    return story is not None and story.customer.hex() == id


def _event(entry: Entry, story: Story) -> EventDocument:
    """Without the identifiers that are not the customer's: when others were first seen is theirs to know."""
    document = event_document(entry, story.known)
    document.identifiers = [one for one in document.identifiers if (one.type, one.value) in story.known]
    return document


def _meets(row: InstanceRow, wanted: ToldOfCustomersBody) -> bool:
    return (
        (wanted.journey is None or row.journey == wanted.journey)
        and (wanted.key is None or row.key == wanted.key)
        and (wanted.status is None or row.status in wanted.status)
    )
