"""The internal routes that read instances, and the one by which publishing learns which of them are still open."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.live.handlers import InstanceReads
from services.events.live.schemas import (
    ExplainBody,
    Explanations,
    InstanceDocument,
    InstancePages,
    Instances,
    InstancesBody,
    InstancesOfEvents,
    OfCustomersBody,
    OfEventsBody,
    OpenRuns,
    QueryBody,
    StepPages,
    StepsBody,
)
from services.events.paging import Page
from services.events.schemas import Text


def router(reads: InstanceReads, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal", tags=["instances"])

    @routes.post("/instances/of-customers")
    async def read_instances_of_customers(
        body: OfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancePages]:
        """A page of each customer's instances, newest start first; null for a customer who is not known."""
        return JSONResponse({"pages": await reads.of_customers(workspace, body)})

    @routes.post("/instances/query")
    async def query_instances(
        body: QueryBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Page[InstanceDocument]]:
        """A page of the instances that a filter lets pass, newest start first."""
        return JSONResponse(await reads.query(workspace, body))

    @routes.post("/instances/read")
    async def read_instances(body: InstancesBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Instances]:
        """Instances by id, in the order asked, null where there is none."""
        return JSONResponse({"instances": await reads.by_ids(workspace, body.ids)})

    @routes.post("/instances/of-events")
    async def read_instances_of_events(
        body: OfEventsBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancesOfEvents]:
        """For each event the instances that took it, newest start first; none for an event that is not known."""
        return JSONResponse({"instances": await reads.of_events(workspace, body.events)})

    @routes.post("/instances/explain")
    async def explain_instances(
        body: ExplainBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Explanations]:
        """Why each instance is there, in its phase and with its status; null for one that is not known."""
        return JSONResponse({"explanations": await reads.explain(workspace, body.instances)})

    @routes.post("/steps")
    async def read_steps(body: StepsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[StepPages]:
        """A page of each instance's steps, oldest first; null for an instance that is not known."""
        return JSONResponse({"pages": await reads.steps(workspace, body)})

    @routes.get("/journeys/{key}/open-runs")
    async def count_open_runs(
        key: Text,
        workspace: str = Depends(workspace_of),
        other_than: Annotated[Text, Query(alias="instanceKeyOtherThan")] = "",
    ) -> JSONResponse[OpenRuns]:
        """How many instances still take events and belong to a version that reads another `instanceKey`, or none."""
        return JSONResponse({"openRuns": await reads.open_runs(workspace, key, other_than)})

    return routes
