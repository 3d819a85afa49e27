"""The composition root of the journeys service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from infra.chassis.service import ServiceApp
from infra.chassis.upstream import OverHttp, Upstream
from infra.chassis.versioned.handlers import Documents
from infra.chassis.versioned.notices import ChangeNotice
from services.journeys import store
from services.journeys.api import Resources, router
from services.journeys.clients import Events
from services.journeys.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(
    settings: Settings,
    *,
    events: Upstream | None = None,
    clock: Clock = system_clock,
    database: Database | None = None,
) -> ServiceApp:
    """The service as an app. What is given (`events`, `database`) stays its owner's to close; otherwise the lifespan
    opens it as the settings say, and closes it. Without an events service, publishing is pending until there is one.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            upstream = events
            if upstream is None and settings.events_url:
                upstream = Upstream("events", OverHttp(settings.events_url))
                stack.push_async_callback(upstream.close)
            opened = database
            if opened is None:
                opened = Database(settings.database_url)
                stack.push_async_callback(opened.close)
            await upgrade(opened, MIGRATIONS)
            service.operators.readiness.needs("journeys database", opened.probe)
            tokens = ServiceTokens(settings.signing_key.get_secret_value(), clock)
            app.state.tokens = tokens
            notice = ChangeNotice(upstream, tokens, "/internal/models/refresh")
            documents = Documents(opened, store.journeys)
            app.state.resources = Resources(documents, Events(upstream, tokens), notice, clock)
            yield

    service = ServiceApp(
        title="Klantreis journeys",
        summary="Journey models: drafts with revisions, versions, publishing. For services only.",
        lifespan=lifespan,
        surroundings=settings,
    )
    service.include_router(router)
    return service
