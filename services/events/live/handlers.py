"""What each internal call about instances answers: rows read, and shown with the snapshots of their versions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.events.explanation import ExplanationDocument
from services.events.identity.queries import CustomerQueries
from services.events.ids import parse_id
from services.events.live.decisive import DecisiveQueries
from services.events.live.explaining import explained
from services.events.live.filter import InstanceFilter, conditions
from services.events.live.queries import InstanceQueries, InstanceRow
from services.events.live.schemas import (
    InstanceDocument,
    OfCustomersBody,
    QueryBody,
    StepDocument,
    StepsBody,
    instance_document,
    step_document,
)
from services.events.models.queries import Models
from services.events.paging import Page
from services.events.timeline.queries import TimelineQueries


@dataclass(frozen=True, slots=True)
class InstanceReads:
    """Answers in the order asked, with None for what is not known."""

    instances: InstanceQueries
    decisive: DecisiveQueries
    models: Models
    customers: CustomerQueries
    timelines: TimelineQueries

    async def of_customers(self, workspace: str, body: OfCustomersBody) -> list[Page[InstanceDocument] | None]:
        asked = await self.customers.by_ids(workspace, body.customers)
        where = conditions(InstanceFilter(journey=body.journey, key=body.key, status=body.status))
        known = {customer for customer in asked if customer is not None}
        pages = await self.instances.of_customers(workspace, known, where, body.first, body.after)
        shown = dict(zip(pages, await self._shown(workspace, pages.values()), strict=True))
        return [None if customer is None else shown[customer] for customer in asked]

    async def query(self, workspace: str, body: QueryBody) -> Page[InstanceDocument]:
        where = conditions(body.where or InstanceFilter())
        [page] = await self._shown(workspace, [await self.instances.query(workspace, where, body.first, body.after)])
        return page

    async def by_ids(self, workspace: str, ids: Sequence[str]) -> list[InstanceDocument | None]:
        """The id of an instance that is gone gives the one that took the event which had started it."""
        asked = [parse_id(id) for id in ids]
        known = {id for id in asked if id is not None}
        documents = await self._documents(workspace, (await self.instances.read(workspace, known)).values())
        if gone := known - documents.keys():
            documents |= await self._successors(workspace, gone)
        return [None if id is None else documents.get(id) for id in asked]

    async def _successors(self, workspace: str, gone: Collection[bytes]) -> dict[bytes, InstanceDocument]:
        """For instances that are gone the ones that took the events which had started them, if any did."""
        former = await self.instances.former(workspace, gone)
        takers = await self.of_events(workspace, [start for _journey, start in former.values()])
        return {
            id: taker
            for (id, (journey, _start)), found in zip(former.items(), takers, strict=True)
            for taker in found
            if taker.journey_key == journey
        }

    async def of_events(self, workspace: str, ids: Sequence[str]) -> list[list[InstanceDocument]]:
        """For each event the instances that took it."""
        entries = [entry for entry in await self.timelines.events(workspace, ids) if entry and entry.has_place]
        strongest = {entry.id: entry.recorded.identifiers[0] for entry in entries}
        owners = await self.customers.owners(workspace, strongest.values())
        events = {entry.id: (entry, owners[strongest[entry.id]]) for entry in entries if strongest[entry.id] in owners}
        found = await self.instances.of_events(workspace, events)
        journeys = await self.models.journeys(workspace)
        documents = {id: [instance_document(row, journeys) for row in rows] for id, rows in found.items()}
        return [documents.get(id, []) for id in ids]

    async def steps(self, workspace: str, body: StepsBody) -> list[Page[StepDocument] | None]:
        asked = [parse_id(id) for id in body.instances]
        known = {id for id in asked if id is not None}
        pages = await self.instances.steps(workspace, known, body.first, body.after)
        journeys = await self.models.journeys(workspace)
        shown = {id: page.of([step_document(row, journeys) for row in page.items]) for id, page in pages.items()}
        return [None if id is None else shown.get(id) for id in asked]

    async def explain(self, workspace: str, ids: Sequence[str]) -> list[list[ExplanationDocument] | None]:
        """Why each instance stands as it does."""
        asked = [parse_id(id) for id in ids]
        standings = await self.decisive.read(workspace, {id for id in asked if id is not None})
        named = {event for standing in standings.values() for event in standing.events}
        found = await self.timelines.events(workspace, list(named))
        events = {entry.id: entry for entry in found if entry is not None}
        journeys = await self.models.journeys(workspace)
        told = {id: explained(standing, journeys, events) for id, standing in standings.items()}
        return [None if id is None else told.get(id) for id in asked]

    async def open_runs(self, workspace: str, key: str, other_than: str) -> int:
        """How many instances still take events and belong to a version whose `instanceKey` is another, or none."""
        journey = (await self.models.journeys(workspace)).get(key)
        documents = {} if journey is None else journey.documents
        others = [number for number, document in documents.items() if (document.get("instanceKey") or "") != other_than]
        return await self.instances.open_runs(workspace, key, others)

    async def _documents(self, workspace: str, rows: Collection[InstanceRow]) -> dict[bytes, InstanceDocument]:
        journeys = await self.models.journeys(workspace)
        return {row.instance: instance_document(row, journeys) for row in rows}

    async def _shown(self, workspace: str, pages: Collection[Page[InstanceRow]]) -> list[Page[InstanceDocument]]:
        journeys = await self.models.journeys(workspace)
        return [page.of([instance_document(row, journeys) for row in page.items]) for page in pages]
