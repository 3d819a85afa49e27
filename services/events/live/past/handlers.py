"""What each internal call about the past answers: what the same call about today would have answered, had only the
events been there that occurred until the moment."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from infra.chassis.database import Database, chunked
from services.events.explanation import ExplanationDocument
from services.events.identity.assertions import LedgerQueries
from services.events.identity.domain import ProfileId, strength
from services.events.identity.queries import CustomerQueries, CustomerRow
from services.events.identity.schemas import (
    CustomerDocument,
    LedgerEntryDocument,
    customer_document,
    ledger_documents,
)
from services.events.ids import parse_id
from services.events.intake.store import LogStore
from services.events.live import traits
from services.events.live.explaining import explained
from services.events.live.past.folding import Past
from services.events.live.past.folds import Folds
from services.events.live.past.queries import PastQueries, Placed
from services.events.live.past.schemas import (
    AsOf,
    PastCustomersBody,
    PastEventsBody,
    PastExplainBody,
    PastFindBody,
    PastLedgersBody,
    PastOfCustomersBody,
    PastOfEventsBody,
    PastPersonasOfCustomersBody,
    PastStepsBody,
    PastTimelinesBody,
    RunBody,
)
from services.events.live.queries import InstanceRow
from services.events.live.schemas import InstanceDocument, StepDocument, instance_document, step_document
from services.events.models.queries import Models
from services.events.paging import Page, page_of, read_cursor, write_cursor
from services.events.personas.handlers import Assignments
from services.events.personas.schemas import AssignmentDocument
from services.events.timeline.entry import Entry
from services.events.timeline.queries import MOST_SCANNED, TimelineQueries, Wanted
from services.events.timeline.reader import EntryReader
from services.events.timeline.schemas import EventDocument, event_document

# A place in a list of today is a place in the same list of the past.
_INSTANCE_TAG, _STEP_TAG, _EVENT_TAG = b"i", b"s", b"t"
_PLACE = struct.Struct(">q16s")  # start, id
_LOOKED_AT_ONCE = 64  # events, in search of those that filters let pass
_SAID_AT_ONCE = 500  # identify events; some libraries send one with every page


@dataclass(frozen=True, slots=True)
class PastReads:
    """Answers in the order asked, with None for what is not known or had not happened."""

    past: PastQueries
    folds: Folds
    models: Models
    customers: CustomerQueries
    ledgers: LedgerQueries
    timelines: TimelineQueries
    assignments: Assignments
    reader: EntryReader
    log: LogStore

    @classmethod
    def over(
        cls,
        state: Database,
        log: LogStore,
        customers: CustomerQueries,
        timelines: TimelineQueries,
        assignments: Assignments,
    ) -> PastReads:
        past, models = PastQueries(state), Models(state)
        folds = Folds(past, models, log)
        return cls(past, folds, models, customers, LedgerQueries(state), timelines, assignments, EntryReader(log), log)

    # --- customers ---------------------------------------------------------------------------------------------------

    async def find(self, workspace: str, body: PastFindBody) -> list[CustomerDocument | None]:
        """By identifiers as they name customers today, also by those that were not known yet."""
        asked = [(identifier.type, identifier.value) for identifier in body.identifiers]
        return await self._customers(workspace, await self.customers.find(workspace, asked), body)

    async def read(self, workspace: str, body: PastCustomersBody) -> list[CustomerDocument | None]:
        return await self._customers(workspace, await self.customers.by_ids(workspace, body.ids), body)

    async def personas(self, workspace: str, body: PastPersonasOfCustomersBody) -> list[AssignmentDocument | None]:
        """Whom today's personas would have meant."""
        asked = await self.customers.by_ids(workspace, body.customers)
        rows = await self._rows(workspace, asked, body)
        found = await self.assignments.of_customers(workspace, rows, body.moment, body.bound)
        return [None if customer is None else found.get(customer) for customer in asked]

    async def _customers(
        self, workspace: str, asked: Sequence[ProfileId | None], at: AsOf
    ) -> list[CustomerDocument | None]:
        rows = await self._rows(workspace, asked, at)
        documents = {customer: customer_document(row) for customer, row in rows.items()}
        return [None if customer is None else documents.get(customer) for customer in asked]

    async def _rows(self, workspace: str, asked: Sequence[ProfileId | None], at: AsOf) -> dict[ProfileId, CustomerRow]:
        spans = await self.past.spans(workspace, _known(asked), at.bound)
        known = await self.past.known(workspace, spans, at.bound)
        said = await self._said(workspace, spans, at.bound)
        return {
            customer: CustomerRow(
                customer,
                sorted(known[customer], key=lambda one: strength((one.type, one.value))),
                traits.read(said[customer]),
                span.first_seen_at,
                span.last_seen_at,
                f"{span.first.seq}-{span.first.slot}",
            )
            for customer, span in spans.items()
        }

    async def _said(
        self, workspace: str, customers: Mapping[ProfileId, object], bound: bytes
    ) -> dict[ProfileId, bytes]:
        """The traits of each customer (see live.traits), out of the identify events alone."""
        said = dict.fromkeys(customers, traits.NOTHING)
        placed = await self.past.identifies(workspace, customers.keys(), bound)
        for some in chunked(placed, _SAID_AT_ONCE):
            entries = await self.reader.read(workspace, [(seq, slot) for _customer, seq, slot in some])
            saying: dict[ProfileId, list[Entry]] = defaultdict(list)
            for (customer, _seq, _slot), entry in zip(some, entries, strict=True):
                if entry is not None:
                    saying[customer].append(entry)
            said |= {customer: traits.merge(said[customer], events) for customer, events in saying.items()}
        return said

    async def ledgers_of(self, workspace: str, body: PastLedgersBody) -> list[list[LedgerEntryDocument] | None]:
        """What had been asserted by then, with the identities of today: whether a link is taken is decided in history
        order, so that nothing later changes it."""
        asked = await self.customers.by_ids(workspace, body.customers)
        entries: dict[ProfileId, list[LedgerEntryDocument]] = {}
        for customer, ledger in (await self.ledgers.of_customers(workspace, _known(asked))).items():
            asserted = [one for one in ledger.assertions if one.link.key < body.bound]
            entries[customer] = ledger_documents(body, asserted, partial(ledger.known, bound=body.bound))
        return [None if customer is None else entries[customer] for customer in asked]

    # --- events ------------------------------------------------------------------------------------------------------

    async def pages(self, workspace: str, body: PastTimelinesBody) -> list[Page[EventDocument] | None]:
        """A page of each customer's events, newest first; with a journey those that were steps on it."""
        asked = await self.customers.by_ids(workspace, body.customers)
        known = _known(asked)
        wanted = Wanted(body.first, body.after, body.journey, body.channel, body.name)
        limit = max(wanted.first + 1, MOST_SCANNED // max(len(known), 1) if wanted.selects else 0)
        places = await self._places(workspace, known, wanted, limit, body)
        pages = {customer: await self._page(workspace, some, limit, wanted) for customer, some in places.items()}
        documents = await self._documents(workspace, [entry for page in pages.values() for entry in page.items], body)
        shown = {customer: page.of([documents[entry.id] for entry in page.items]) for customer, page in pages.items()}
        return [None if customer is None else shown[customer] for customer in asked]

    async def events(self, workspace: str, body: PastEventsBody) -> list[EventDocument | None]:
        entries = await self._occurred(workspace, body.ids, body)
        documents = await self._documents(workspace, [entry for entry in entries if entry is not None], body)
        return [None if entry is None else documents[entry.id] for entry in entries]

    async def _places(
        self, workspace: str, customers: set[ProfileId], wanted: Wanted, limit: int, at: AsOf
    ) -> Mapping[ProfileId, Sequence[Placed]]:
        """Of each customer the next events to look at, newest first."""
        before = at.bound if wanted.after is None else min(at.bound, read_cursor(_EVENT_TAG, wanted.after))
        if wanted.journey is None:
            return await self.past.newest(workspace, customers, before, limit)
        found: dict[ProfileId, Sequence[Placed]] = {}
        for customer in customers:
            past = await self.folds.of(workspace, customer, at.moment)
            taken = [step for step in past.steps_on(wanted.journey) if step.key < before]
            found[customer] = [Placed(step.key, step.seq, step.slot) for step in taken[:limit]]
        return found

    async def _page(self, workspace: str, places: Sequence[Placed], limit: int, wanted: Wanted) -> Page[Entry]:
        """The first events that pass. Too few among so many places: the page says where to go on, as today's do."""
        passing: list[Entry] = []
        looked = 0
        while looked < len(places) and len(passing) <= wanted.first:
            some = places[looked : looked + max(wanted.first + 1, _LOOKED_AT_ONCE)]
            looked += len(some)
            entries = await self.reader.read(workspace, [(place.seq, place.slot) for place in some])
            passing += [entry for entry in entries if entry is not None and wanted.lets_pass(entry)]
        items = passing[: wanted.first]
        cursors = [write_cursor(_EVENT_TAG, entry.key) for entry in items]
        end = cursors[-1] if cursors else wanted.after
        more = len(passing) > wanted.first
        if not more and len(places) == limit:
            more, end = True, write_cursor(_EVENT_TAG, places[-1].key)
        return Page(items, cursors, end, more, wanted.after is not None)

    async def _occurred(self, workspace: str, ids: Sequence[str], at: AsOf) -> list[Entry | None]:
        entries = await self.timelines.events(workspace, ids)
        return [entry if entry is not None and entry.key < at.bound else None for entry in entries]

    async def _documents(self, workspace: str, entries: Sequence[Entry], at: AsOf) -> dict[str, EventDocument]:
        named = {identifier for entry in entries for identifier in entry.recorded.identifiers}
        known = await self.past.named(workspace, await self.log.secret(workspace), named, at.bound)
        return {entry.id: event_document(entry, known) for entry in entries}

    # --- instances ---------------------------------------------------------------------------------------------------

    async def of_customers(self, workspace: str, body: PastOfCustomersBody) -> list[Page[InstanceDocument] | None]:
        """A page of each customer's instances, newest start first."""
        asked = await self.customers.by_ids(workspace, body.customers)
        beyond = None if body.after is None else _PLACE.unpack(read_cursor(_INSTANCE_TAG, body.after, [_PLACE.size]))
        pages: dict[ProfileId, Page[InstanceDocument]] = {}
        for customer in _known(asked):
            past = await self.folds.of(workspace, customer, body.moment)
            met = [one.row for one in past.instances.values() if _meets(one.row, body)]
            rows = [row for row in met if beyond is None or (row.started_at, row.instance) < beyond][: body.first + 1]
            cursors = [write_cursor(_INSTANCE_TAG, _PLACE.pack(row.started_at, row.instance)) for row in rows]
            pages[customer] = page_of(await self._shown(workspace, rows), cursors, body.first, body.after, len(met))
        return [None if customer is None else pages[customer] for customer in asked]

    async def of_events(self, workspace: str, body: PastOfEventsBody) -> list[list[InstanceDocument]]:
        """For each event the instances that had taken it."""
        occurred = [entry for entry in await self._occurred(workspace, body.events, body) if entry is not None]
        owners = await self.customers.owners(workspace, {entry.recorded.identifiers[0] for entry in occurred})
        of_owner: dict[ProfileId, list[Entry]] = defaultdict(list)
        for entry in occurred:
            if owner := owners.get(entry.recorded.identifiers[0]):
                of_owner[owner].append(entry)
        takers: dict[str, list[InstanceRow]] = {}
        for owner, entries in of_owner.items():
            takers |= (await self.folds.of(workspace, owner, body.moment)).takers(entries)
        journeys = await self.models.journeys(workspace)
        return [[instance_document(row, journeys) for row in takers.get(id, ())] for id in body.events]

    async def steps(self, workspace: str, body: PastStepsBody) -> list[Page[StepDocument] | None]:
        """A page of each instance's steps, oldest first."""
        pasts = await self._pasts(workspace, body, body.instances)
        journeys = await self.models.journeys(workspace)
        beyond = b"" if body.after is None else read_cursor(_STEP_TAG, body.after)

        def page(run: RunBody, past: Past | None) -> Page[StepDocument] | None:
            instance = None if past is None else past.instances.get(parse_id(run.instance) or b"")
            if instance is None:
                return None
            steps = instance.steps_behind(beyond)[: body.first + 1]
            documents = [step_document(instance.step(step), journeys) for step in steps]
            cursors = [write_cursor(_STEP_TAG, step.key) for step in steps]
            return page_of(documents, cursors, body.first, body.after)

        return [page(run, past) for run, past in zip(body.instances, pasts, strict=True)]

    async def explain(self, workspace: str, body: PastExplainBody) -> list[list[ExplanationDocument] | None]:
        """Why each instance stood as it did."""
        pasts = await self._pasts(workspace, body, body.instances)
        standings = [
            past and past.standing(parse_id(run.instance) or b"")
            for run, past in zip(body.instances, pasts, strict=True)
        ]
        named = {event for standing in standings if standing for event in standing.events}
        found = await self.timelines.events(workspace, list(named))
        events = {entry.id: entry for entry in found if entry is not None}
        journeys = await self.models.journeys(workspace)
        return [standing and explained(standing, journeys, events) for standing in standings]

    async def _pasts(self, workspace: str, at: AsOf, runs: Sequence[RunBody]) -> list[Past | None]:
        """For each run the past of its customer."""
        owners = await self.customers.by_ids(workspace, [run.customer for run in runs])
        pasts = {owner: await self.folds.of(workspace, owner, at.moment) for owner in _known(owners)}
        return [None if owner is None else pasts[owner] for owner in owners]

    async def _shown(self, workspace: str, rows: Sequence[InstanceRow]) -> list[InstanceDocument]:
        journeys = await self.models.journeys(workspace)
        return [instance_document(row, journeys) for row in rows]


def _known(asked: Sequence[ProfileId | None]) -> set[ProfileId]:
    return {customer for customer in asked if customer is not None}


def _meets(row: InstanceRow, wanted: PastOfCustomersBody) -> bool:
    return (
        (wanted.journey is None or row.journey == wanted.journey)
        and (wanted.key is None or row.key == wanted.key)
        and (wanted.status is None or row.status in wanted.status)
    )
