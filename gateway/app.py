"""The gateway: the GraphQL API, in front of services that own the data."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.documents import Documents
from gateway.endpoint import Endpoint
from gateway.keys import Keys
from gateway.limits import Limits
from gateway.schema import create_schema
from gateway.settings import Settings
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.http import Upstream, add_health, answer_problems


def create_app(
    settings: Settings,
    *,
    personas: Upstream,
    journeys: Upstream,
    events: Upstream,
    tokens: ServiceTokens,
    clock: Clock = system_clock,
) -> FastAPI:
    """The gateway over its upstreams, which stay the caller's to close."""
    schema = create_schema()
    endpoint = Endpoint(
        schema=schema,
        documents=Documents(schema.core, Limits()),
        keys=Keys(events, tokens, clock),
        personas=personas,
        journeys=journeys,
        events=events,
        tokens=tokens,
        explorer=settings.environment == "development",
    )
    app = FastAPI(title="Klantreis gateway", openapi_url=None, redirect_slashes=False)
    app.add_route("/graphql", endpoint.respond, methods=["GET", "POST"])
    answer_problems(app)
    add_health(app)
    return app
