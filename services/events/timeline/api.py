"""The internal routes that read events."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.identity.queries import CustomerQueries
from services.events.timeline.entry import Entry
from services.events.timeline.queries import TimelineQueries, Wanted
from services.events.timeline.schemas import EventDocument, Events, EventsBody, Timelines, TimelinesBody, event_document


def router(timelines: TimelineQueries, customers: CustomerQueries, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["timelines"])

    @routes.post("/timelines")
    async def read_timelines(body: TimelinesBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Timelines]:
        """A page of each customer's events, newest first; null for a customer who is not known."""
        asked = await customers.by_ids(workspace, body.customers)
        wanted = Wanted(body.first, body.after, body.journey, body.channel, body.name)
        pages = await timelines.pages(workspace, {customer for customer in asked if customer is not None}, wanted)
        documents = await _documents(workspace, [entry for page in pages.values() for entry in page.items])
        shown = {customer: page.of([documents[entry.id] for entry in page.items]) for customer, page in pages.items()}
        return JSONResponse({"pages": [None if customer is None else shown[customer] for customer in asked]})

    @routes.post("/events/read")
    async def read_events(body: EventsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Events]:
        """Events by id, in the order asked, null where there is none."""
        entries = await timelines.events(workspace, body.ids)
        documents = await _documents(workspace, [entry for entry in entries if entry is not None])
        return JSONResponse({"events": [None if entry is None else documents[entry.id] for entry in entries]})

    async def _documents(workspace: str, entries: Sequence[Entry]) -> dict[str, EventDocument]:
        named = {identifier for entry in entries for identifier in entry.recorded.identifiers}
        known = await customers.named(workspace, named)
        return {entry.id: event_document(entry, known) for entry in entries}

    return routes
