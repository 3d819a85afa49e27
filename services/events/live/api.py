"""The internal routes that read instances, and the one by which publishing learns which of them are still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from infra.chassis.http import JSONResponse
from services.events.access import WorkspaceOf
from services.events.identity.queries import CustomerQueries
from services.events.ids import parse_id
from services.events.live.filter import InstanceFilter, conditions
from services.events.live.models import Models
from services.events.live.queries import InstanceQueries, InstanceRow
from services.events.live.schemas import (
    InstanceDocument,
    InstancesBody,
    OfCustomersBody,
    OfEventsBody,
    QueryBody,
    StepsBody,
    instance_document,
    step_document,
)
from services.events.paging import Page
from services.events.schemas import Text
from services.events.timeline.queries import TimelineQueries


def router(
    instances: InstanceQueries,
    models: Models,
    customers: CustomerQueries,
    timelines: TimelineQueries,
    workspace_of: WorkspaceOf,
) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["instances"])

    @routes.post("/instances/of-customers")
    async def read_instances_of_customers(
        body: OfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse:
        """A page of each customer's instances, newest start first; null for a customer who is not known."""
        asked = await customers.by_ids(workspace, body.customers)
        where = conditions(InstanceFilter(journey=body.journey, key=body.key, status=body.status))
        known = {customer for customer in asked if customer is not None}
        pages = await instances.of_customers(workspace, known, where, body.first, body.after)
        shown = dict(zip(pages, await _shown(workspace, list(pages.values())), strict=True))
        return JSONResponse({"pages": [None if customer is None else shown[customer] for customer in asked]})

    @routes.post("/instances/query")
    async def query_instances(body: QueryBody, workspace: str = Depends(workspace_of)) -> JSONResponse:
        """A page of the instances that a filter lets pass, newest start first."""
        where = conditions(body.where or InstanceFilter())
        [page] = await _shown(workspace, [await instances.query(workspace, where, body.first, body.after)])
        return JSONResponse(page)

    @routes.post("/instances/read")
    async def read_instances(body: InstancesBody, workspace: str = Depends(workspace_of)) -> JSONResponse:
        """Instances by id, in the order asked, null where there is none."""
        asked = [parse_id(id) for id in body.ids]
        rows = await instances.read(workspace, {id for id in asked if id is not None})
        documents = dict(zip(rows, await _documents(workspace, list(rows.values())), strict=True))
        return JSONResponse({"instances": [None if id is None else documents.get(id) for id in asked]})

    @routes.post("/instances/of-events")
    async def read_instances_of_events(body: OfEventsBody, workspace: str = Depends(workspace_of)) -> JSONResponse:
        """For each event the instances that took it, newest start first; none for an event that is not known."""
        entries = [entry for entry in await timelines.events(workspace, body.events) if entry is not None]
        strongest = {entry.id: entry.recorded.identifiers[0] for entry in entries}
        owners = await customers.owners(workspace, strongest.values())
        events = {entry.id: (entry, owners[strongest[entry.id]]) for entry in entries if strongest[entry.id] in owners}
        found = await instances.of_events(workspace, events)
        rows = {row.instance: row for some in found.values() for row in some}
        documents = dict(zip(rows, await _documents(workspace, list(rows.values())), strict=True))
        return JSONResponse(
            {"instances": [[documents[row.instance] for row in found.get(id, ())] for id in body.events]}
        )

    @routes.post("/steps")
    async def read_steps(body: StepsBody, workspace: str = Depends(workspace_of)) -> JSONResponse:
        """A page of each instance's steps, oldest first; null for an instance that is not known."""
        asked = [parse_id(id) for id in body.instances]
        known = {id for id in asked if id is not None}
        pages = await instances.steps(workspace, known, body.first, body.after)
        journeys = await models.journeys(workspace)
        shown = {id: page.of([step_document(row, journeys) for row in page.items]) for id, page in pages.items()}
        return JSONResponse({"pages": [None if id is None else shown.get(id) for id in asked]})

    @routes.get("/journeys/{key}/open-runs")
    async def count_open_runs(
        key: Text,
        workspace: str = Depends(workspace_of),
        other_than: Annotated[Text, Query(alias="instanceKeyOtherThan")] = "",
    ) -> JSONResponse:
        """How many instances still take events and belong to a version that reads another `instanceKey`, or none."""
        journey = (await models.journeys(workspace)).get(key)
        documents = {} if journey is None else journey.documents
        others = [
            version for version, document in documents.items() if (document.get("instanceKey") or "") != other_than
        ]
        return JSONResponse({"openRuns": await instances.open_runs(workspace, key, others)})

    async def _documents(workspace: str, rows: Sequence[InstanceRow]) -> list[InstanceDocument]:
        journeys = await models.journeys(workspace)
        return [instance_document(row, journeys) for row in rows]

    async def _shown(workspace: str, pages: Sequence[Page[InstanceRow]]) -> list[Page[InstanceDocument]]:
        journeys = await models.journeys(workspace)
        return [page.of([instance_document(row, journeys) for row in page.items]) for page in pages]

    return routes
