"""The gateway: the GraphQL API, in front of services that own the data."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from gateway.context import Services
from gateway.documents import Documents
from gateway.endpoint import Endpoint
from gateway.keys import Keys
from gateway.limits import Limits
from gateway.operations import Operations
from gateway.schema import create_schema
from gateway.settings import Settings
from gateway.streams.feed import LiveFeeds
from gateway.streams.http import Streaming
from gateway.streams.origins import Origins
from gateway.streams.subscriber import Patience
from gateway.streams.websocket import Connection
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.http import NamedRoute, answer_problems
from infra.chassis.operations import OperatorRoutes
from infra.chassis.upstream import Upstream

_LOOPBACK = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_ASKED_WITH = (
    "authorization",
    "content-type",
    "klantreis-after",
    "x-request-id",
    # what clients send besides by default, some of it so that browsers ask first
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "x-apollo-operation-name",
    "x-graphql-event-stream-token",
)
_ANSWERED_WITH = ("Klantreis-Position", "Retry-After", "X-Request-Id")
_PREFLIGHT_SECONDS = 7_200  # no browser of today but Firefox remembers it longer
_STREAMING = Streaming()
_PATIENCE = Patience()


class GatewayApp(FastAPI):
    end_subscriptions: Callable[[], None]
    """To be called before the process ends, which would wait for them."""
    operators: OperatorRoutes


def create_app(
    settings: Settings,
    *,
    personas: Upstream,
    journeys: Upstream,
    events: Upstream,
    feeds: LiveFeeds,
    tokens: ServiceTokens,
    clock: Clock = system_clock,
    streaming: Streaming = _STREAMING,
    patience: Patience = _PATIENCE,
) -> GatewayApp:
    """The gateway over its upstreams, which stay the caller's to close."""
    development = settings.environment == "development"
    schema = create_schema()
    keys = Keys(events, tokens, clock)
    documents = Documents(schema.core, Limits(), introspection=development)
    operations = Operations(schema, documents, Services(personas, journeys, events, tokens), feeds, patience)
    endpoint = Endpoint(operations, keys, streaming, explorer=development)
    origins = Origins(settings.allowed_origins, everyone=development)

    async def connect(websocket: WebSocket) -> None:
        if not origins.allow(websocket.headers):
            await websocket.close()  # before it is accepted: 403
            return
        await Connection(websocket, operations, keys, streaming).serve()

    app = GatewayApp(title="Klantreis gateway", openapi_url=None, redirect_slashes=False)
    app.end_subscriptions = operations.end_subscriptions
    app.router.routes += [
        NamedRoute("/graphql", endpoint.respond, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", connect),
        NamedRoute("/graphql/stream", endpoint.respond_with_events, methods=["POST"]),
    ]
    _let_pages_ask(app, settings)
    answer_problems(app)
    app.operators = OperatorRoutes(settings)
    app.operators.readiness.needs("events", events.probe)  # it knows the keys; the others are missed only in part
    app.router.routes.extend(app.operators.routes())
    return app


def _let_pages_ask(app: FastAPI, settings: Settings) -> None:
    # No credentials in this sense: keys and tokens travel in a header that pages set themselves, never in a cookie.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_origin_regex=_LOOPBACK if settings.environment == "development" else None,
        allow_methods=("GET", "POST"),
        allow_headers=_ASKED_WITH,
        expose_headers=_ANSWERED_WITH,
        max_age=_PREFLIGHT_SECONDS,
    )
