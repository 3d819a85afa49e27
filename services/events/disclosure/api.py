"""The internal routes on behalf of one customer: those for everybody, each under `/disclosed`, with `discloseTo`."""

from __future__ import annotations

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.disclosure.following import Following
from services.events.disclosure.handlers import Disclosure
from services.events.disclosure.schemas import (
    ToldChangeDocument,
    ToldCustomersBody,
    ToldEventDocument,
    ToldEventsBody,
    ToldExplainBody,
    ToldFeedBody,
    ToldFindBody,
    ToldLedgersBody,
    ToldOfCustomersBody,
    ToldOfEventsBody,
    ToldPage,
    ToldPersonasOfCustomersBody,
    ToldStepsBody,
    ToldTimelinesBody,
)
from services.events.identity.schemas import Customers, Ledgers
from services.events.live.schemas import Explanations, InstancePages, InstancesOfEvents, StepPages
from services.events.personas.schemas import Assigned
from services.events.timeline.schemas import Events, Timelines


def router(disclosure: Disclosure, following: Following, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/disclosed", tags=["disclosure"])
    _tell_of_customers(routes, disclosure, workspace_of)
    _tell_of_instances(routes, disclosure, workspace_of)
    _tell_what_is_new(routes, following, workspace_of)
    return routes


def _tell_of_customers(routes: ServiceRouter, disclosure: Disclosure, workspace_of: WorkspaceOf) -> None:
    @routes.post("/customers/find")
    async def find_own_customers(body: ToldFindBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Customers]:
        """The customer, by any of their identifiers; null for everybody else."""
        return JSONResponse({"customers": await disclosure.find(workspace, body)})

    @routes.post("/customers/read")
    async def read_own_customers(
        body: ToldCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Customers]:
        """The customer, by id; null for everybody else."""
        return JSONResponse({"customers": await disclosure.read(workspace, body)})

    @routes.post("/customers/ledgers")
    async def read_own_ledgers(body: ToldLedgersBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Ledgers]:
        """The links between the customer's identifiers that trusted senders have drawn; null for everybody else."""
        return JSONResponse({"ledgers": await disclosure.ledgers(workspace, body)})

    @routes.post("/personas/of-customers")
    async def read_own_personas(
        body: ToldPersonasOfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Assigned]:
        """The persona that the customer is; null if they are none, and for everybody else."""
        return JSONResponse({"assignments": await disclosure.personas(workspace, body)})

    @routes.post("/timelines")
    async def read_own_timelines(
        body: ToldTimelinesBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Timelines]:
        """A page of the customer's events, newest first; null for everybody else."""
        return JSONResponse({"pages": await disclosure.pages(workspace, body)})

    @routes.post("/events/read")
    async def read_own_events(body: ToldEventsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Events]:
        """The customer's events by id; null for those of others."""
        return JSONResponse({"events": await disclosure.events(workspace, body)})


def _tell_of_instances(routes: ServiceRouter, disclosure: Disclosure, workspace_of: WorkspaceOf) -> None:
    @routes.post("/instances/of-customers")
    async def read_instances_of_own_customers(
        body: ToldOfCustomersBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancePages]:
        """A page of the customer's instances, newest start first; null for everybody else."""
        return JSONResponse({"pages": await disclosure.of_customers(workspace, body)})

    @routes.post("/instances/of-events")
    async def read_instances_of_own_events(
        body: ToldOfEventsBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[InstancesOfEvents]:
        """For each event of the customer the instances that took it; none for those of others."""
        return JSONResponse({"instances": await disclosure.of_events(workspace, body)})

    @routes.post("/instances/explain")
    async def explain_own_instances(
        body: ToldExplainBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Explanations]:
        """Why each of the customer's instances is there, in its phase and with its status; null for those of others."""
        return JSONResponse({"explanations": await disclosure.explain(workspace, body)})

    @routes.post("/steps")
    async def read_own_steps(body: ToldStepsBody, workspace: str = Depends(workspace_of)) -> JSONResponse[StepPages]:
        """A page of the steps of each of the customer's instances, oldest first; null for those of others."""
        return JSONResponse({"pages": await disclosure.steps(workspace, body)})


def _tell_what_is_new(routes: ServiceRouter, following: Following, workspace_of: WorkspaceOf) -> None:
    @routes.post("/feeds/changes/read")
    async def read_own_changes(
        body: ToldFeedBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[ToldPage[ToldChangeDocument]]:
        """What is new of the customer's instances, behind a position."""
        return JSONResponse(await following.changes(workspace, body))

    @routes.post("/feeds/events/read")
    async def read_own_new_events(
        body: ToldFeedBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[ToldPage[ToldEventDocument]]:
        """The customer's events that are new, behind a position."""
        return JSONResponse(await following.events(workspace, body))
