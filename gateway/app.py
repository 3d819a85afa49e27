"""The gateway: the GraphQL API, in front of services that own the data."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from gateway.documents import Documents
from gateway.endpoint import Endpoint
from gateway.keys import Keys
from gateway.limits import Limits
from gateway.schema import create_schema
from gateway.settings import Settings
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.http import Upstream, add_health, answer_problems

_LOOPBACK = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_ASKED_WITH = (
    "authorization",
    "content-type",
    "klantreis-after",
    # what clients send besides by default, some of it so that browsers ask first
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "x-apollo-operation-name",
    "x-graphql-event-stream-token",
)
_ANSWERED_WITH = ("Klantreis-Position", "Retry-After")
_PREFLIGHT_SECONDS = 7_200  # no browser of today but Firefox remembers it longer


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
    development = settings.environment == "development"
    schema = create_schema()
    endpoint = Endpoint(
        schema=schema,
        documents=Documents(schema.core, Limits(), introspection=development),
        keys=Keys(events, tokens, clock),
        personas=personas,
        journeys=journeys,
        events=events,
        tokens=tokens,
        explorer=development,
    )
    app = FastAPI(title="Klantreis gateway", openapi_url=None, redirect_slashes=False)
    app.add_route("/graphql", endpoint.respond, methods=["GET", "POST"])
    # No credentials in this sense: keys and tokens travel in a header that pages set themselves, never in a cookie.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_origin_regex=_LOOPBACK if development else None,
        allow_methods=("GET", "POST"),
        allow_headers=_ASKED_WITH,
        expose_headers=_ANSWERED_WITH,
        max_age=_PREFLIGHT_SECONDS,
    )
    answer_problems(app)
    add_health(app)
    return app
