"""One app in front of the apps of one process, as an ingress would route in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import gateway.app
import gateway.settings
import services.events.app
import services.journeys.app
import services.personas.app
from gateway.app import GatewayApp
from infra.chassis.auth import ServiceTokens
from infra.chassis.data_folder import DataFolder
from infra.chassis.errors import NotFound
from infra.chassis.http import JSONResponse, problem_response
from infra.chassis.notices import Bell
from infra.chassis.operations import OperatorRoutes
from infra.chassis.service import ServiceApp
from infra.chassis.upstream import InProcess, Upstream
from infra.local.settings import Settings, events_settings, journeys_settings, personas_settings
from infra.local.start_page import START_PAGE
from services.events.feeds.feed import FeedName, Feeds
from services.events.projector.process import ProjectorThread
from services.events.projector.wakeup import Wakeup


class Apps(NamedTuple):
    personas: ServiceApp
    journeys: ServiceApp
    events: ServiceApp
    gateway: GatewayApp
    projector: ProjectorThread
    end_streams: Callable[[], None]


def create_app(settings: Settings) -> LocalApp:
    """The whole platform as one app. Its lifespan owns the data folder and runs the projector."""
    apps, upstreams = _create_apps(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            folder = DataFolder(settings.data)
            folder.acquire()
            stack.callback(folder.release)
            for upstream in upstreams:
                stack.push_async_callback(upstream.close)
            for app in (apps.personas, apps.journeys, apps.events, apps.gateway):
                await stack.enter_async_context(app.router.lifespan_context(app))
            apps.projector.start()
            stack.push_async_callback(asyncio.to_thread, apps.projector.stop)
            yield

    by_prefix: dict[str, ASGIApp] = {"/graphql": apps.gateway}
    by_prefix |= dict.fromkeys(("/v1", "/beacon", "/sourceConfig"), apps.events)
    front = Starlette(routes=_own_routes(apps, _operators(settings, apps)), lifespan=lifespan)
    return LocalApp(front, by_prefix, apps.end_streams)


def _create_apps(settings: Settings) -> tuple[Apps, list[Upstream]]:
    """The services know each other only through clients, which here lead into the other's app."""
    built: dict[str, ServiceApp] = {}
    personas = Upstream("personas", InProcess(lambda: built["personas"]))
    journeys = Upstream("journeys", InProcess(lambda: built["journeys"]))
    events = Upstream("events", InProcess(lambda: built["events"]))
    wakeup, bell = Wakeup(), Bell()
    for_events = events_settings(settings)
    events_app = services.events.app.create_app(
        for_events, journeys=journeys, personas=personas, on_commit=wakeup.ring, progress_bell=bell
    )
    built["events"] = events_app
    built["journeys"] = services.journeys.app.create_app(journeys_settings(settings), events=events)
    built["personas"] = services.personas.app.create_app(personas_settings(settings), events=events)
    gateway_app = gateway.app.create_app(
        gateway.settings.Settings(environment=settings.environment, allowed_origins=settings.allowed_origins),
        personas=personas,
        journeys=journeys,
        events=events,
        feeds=LocalFeeds(events_app.feeds),
        tokens=ServiceTokens(settings.signing_key.get_secret_value()),
    )
    projector = ProjectorThread(for_events, wakeup, bell.ring)

    def end_streams() -> None:
        gateway_app.end_subscriptions()
        events_app.feeds.end()

    apps = Apps(built["personas"], built["journeys"], events_app, gateway_app, projector, end_streams)
    return apps, [personas, journeys, events]


class LocalFeeds:
    """Feeds of an events service in the same process: pages go from hand to hand, as they would over HTTP."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    async def follow(self, feed: FeedName, workspace: str, after: str | None) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._feeds.follow(feed, workspace, after)) as pages:
            async for page in pages:
                yield msgspec.json.encode(page)


class LocalApp:
    """Routes by the first part of the path; internal routes of the services are not reachable from here."""

    def __init__(self, front: Starlette, by_prefix: dict[str, ASGIApp], end_streams: Callable[[], None]) -> None:
        self._front = front
        self._by_prefix = by_prefix
        self.end_streams = end_streams
        """To be called before the process ends, which would wait for them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._front
        if scope["type"] != "lifespan":
            app = self._by_prefix.get("/" + scope["path"].removeprefix("/").partition("/")[0], self._front)
        await app(scope, receive, send)


def _operators(settings: Settings, apps: Apps) -> OperatorRoutes:
    operators = OperatorRoutes(settings)
    for app in (apps.personas, apps.journeys, apps.events):
        operators.includes(app.operators)
    operators.readiness.needs("projector", apps.projector.probe)
    return operators


def _own_routes(apps: Apps, operators: OperatorRoutes) -> list[BaseRoute]:
    async def start_page(_request: Request) -> Response:
        return HTMLResponse(START_PAGE)

    async def openapi(request: Request) -> Response:
        documented = {"personas": apps.personas, "journeys": apps.journeys, "events": apps.events}
        service = documented.get(request.path_params["service"])
        return JSONResponse(service.openapi()) if service else await nothing(request)

    async def nothing(request: Request) -> Response:
        return problem_response(NotFound(f"There is nothing at {request.url.path}."))

    return [
        Route("/", start_page),
        *operators.routes(),
        Route("/openapi/{service}.json", openapi),
        Route("/{path:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
