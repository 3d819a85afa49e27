"""The internal routes that read the past: those of today, each under `/past` and with the moment `asOf`."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.database import Database
from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.identity.queries import CustomerQueries
from services.events.identity.schemas import Customers, Ledgers
from services.events.intake.store import LogStore
from services.events.live.past.handlers import PastReads
from services.events.live.past.schemas import (
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
)
from services.events.live.schemas import Explanations, InstancePages, InstancesOfEvents, StepPages
from services.events.personas.handlers import Assignments
from services.events.personas.schemas import Assigned
from services.events.timeline.queries import TimelineQueries
from services.events.timeline.schemas import Events, Timelines


def router(
    state: Database,
    log: LogStore,
    customers: CustomerQueries,
    timelines: TimelineQueries,
    assignments: Assignments,
    workspace_of: WorkspaceOf,
) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/past", tags=["past"])
    reads = PastReads.over(state, log, customers, timelines, assignments)
    _read_customers(routes, reads, workspace_of)
    _read_events(routes, reads, workspace_of)
    _read_instances(routes, reads, workspace_of)
    return routes


def _read_customers(routes: ServiceRouter, reads: PastReads, workspace_of: WorkspaceOf) -> None:
    @routes.post("/customers/find")
    async def find_past_customers(
        body: PastFindBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Customers]:
        """The customers that identifiers name today, as they were; null for who had no event yet."""
        return JSONResponse({"customers": await reads.find(workspace, body)})

    @routes.post("/customers/read")
    async def read_past_customers(
        body: PastCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Customers]:
        """Customers by id, as they were; null for who had no event yet."""
        return JSONResponse({"customers": await reads.read(workspace, body)})

    @routes.post("/customers/ledgers")
    async def read_past_ledgers(body: PastLedgersBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Ledgers]:
        """What events had asserted about each customer's identifiers, oldest first, with what became of it."""
        return JSONResponse({"ledgers": await reads.ledgers_of(workspace, body)})

    @routes.post("/personas/of-customers")
    async def read_past_personas_of_customers(
        body: PastPersonasOfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Assigned]:
        """The persona of today that each customer was then; null if they were none, or had no event yet."""
        return JSONResponse({"assignments": await reads.personas(workspace, body)})


def _read_events(routes: ServiceRouter, reads: PastReads, workspace_of: WorkspaceOf) -> None:
    @routes.post("/timelines")
    async def read_past_timelines(
        body: PastTimelinesBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Timelines]:
        """A page of each customer's events until the moment, newest first; null for a customer who is not known."""
        return JSONResponse({"pages": await reads.pages(workspace, body)})

    @routes.post("/events/read")
    async def read_past_events(body: PastEventsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Events]:
        """Events by id, with what was known of their identifiers; null for one that had not occurred."""
        return JSONResponse({"events": await reads.events(workspace, body)})


def _read_instances(routes: ServiceRouter, reads: PastReads, workspace_of: WorkspaceOf) -> None:
    @routes.post("/instances/of-customers")
    async def read_past_instances_of_customers(
        body: PastOfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancePages]:
        """A page of each customer's instances as they stood, newest start first; null for who is not known."""
        return JSONResponse({"pages": await reads.of_customers(workspace, body)})

    @routes.post("/instances/of-events")
    async def read_past_instances_of_events(
        body: PastOfEventsBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancesOfEvents]:
        """For each event the instances that had taken it, as they stood."""
        return JSONResponse({"instances": await reads.of_events(workspace, body)})

    @routes.post("/instances/explain")
    async def explain_past_instances(
        body: PastExplainBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Explanations]:
        """Why each instance was there, in its phase and with its status; null for one that had not started."""
        return JSONResponse({"explanations": await reads.explain(workspace, body)})

    @routes.post("/steps")
    async def read_past_steps(body: PastStepsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[StepPages]:
        """A page of each instance's steps until the moment, oldest first; null for one that had not started."""
        return JSONResponse({"pages": await reads.steps(workspace, body)})
