"""The composition root of the events service: intake and readers. The projector is a process or thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

import services.events.control.api
import services.events.control.sources_api
import services.events.disclosure.api
import services.events.export.api
import services.events.feeds.api
import services.events.health.api
import services.events.identity.api
import services.events.insights.api
import services.events.intake.api
import services.events.live.api
import services.events.live.past.api
import services.events.models.api
import services.events.personas.api
import services.events.projector.api
import services.events.rejected.api
import services.events.timeline.api
from infra.chassis.auth import ServiceTokens
from infra.chassis.clock import Clock, system_clock
from infra.chassis.notices import Bell, Channel
from infra.chassis.operations import OperatorRoutes
from infra.chassis.service import ServiceApp
from infra.chassis.upstream import Upstream
from services.events.access import workspace_of
from services.events.changes.feed import ChangeFeed
from services.events.clients import PublisherClient
from services.events.control.handlers import Sources, bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.control.tokens import CustomerTokens
from services.events.disclosure.following import Following
from services.events.disclosure.handlers import Disclosure
from services.events.disclosure.queries import DisclosureQueries
from services.events.disclosure.stories import Stories
from services.events.export.events import EventExport
from services.events.export.instances import InstanceExport
from services.events.feeds.feed import PROGRESS_CHANNEL, Feeds
from services.events.health.queries import HealthQueries
from services.events.identity.assertions import LedgerQueries
from services.events.identity.queries import CustomerQueries
from services.events.insights.queries import InsightQueries
from services.events.intake.entrance import Entrance, FrontDoor
from services.events.intake.handlers import Intake
from services.events.intake.library_settings import LibrarySettings
from services.events.intake.store import LogStore
from services.events.intake.writer import LogWriter
from services.events.live.decisive import DecisiveQueries
from services.events.live.handlers import InstanceReads
from services.events.live.queries import InstanceQueries
from services.events.models.pull import ModelPuller, journeys_of, personas_of
from services.events.models.queries import Models
from services.events.personas.handlers import Assignments, PersonaReads
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.projector.lag import LogMetrics
from services.events.projector.progress import Progress
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.settings import Settings
from services.events.stores import Stores
from services.events.timeline.feed import EventFeed
from services.events.timeline.queries import TimelineQueries
from services.events.timeline.reader import EntryReader

_log = logging.getLogger(__name__)


class Pullers(NamedTuple):
    journeys: ModelPuller
    personas: ModelPuller


class EventsApp(ServiceApp):
    """An app with a front door before everything else, middleware included."""

    feeds: Feeds
    """For whoever lives in the same process, and to be ended before the process is."""

    def open_front_door(self, entrance_at: Callable[[str], Entrance | None]) -> None:
        self._front_door = FrontDoor(super().__call__, entrance_at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front_door(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    journeys: Upstream | None = None,
    personas: Upstream | None = None,
    on_commit: Callable[[], None] = lambda: None,
    progress_bell: Bell | None = None,
    clock: Clock = system_clock,
) -> EventsApp:
    """The service as an app. `journeys` and `personas` stay their owner's to close; without one of them what it
    publishes is not pulled.

    `on_commit` is called when the log has grown: it wakes a projector in the same process, which rings `progress_bell`.
    """
    stores = Stores(settings)
    log = LogStore(stores.log)
    tokens = ServiceTokens(settings.signing_key.get_secret_value(), clock)
    writer = LogWriter(log, clock, on_commit)
    control = ControlStore(stores.log)
    keys, asked = KeyRing(control, clock), KeyRing(control, clock, kept=0)  # gateways keep the answers
    customer_tokens = CustomerTokens(settings.signing_key.get_secret_value(), asked, clock)
    progress = Progress(log, stores.state)
    intake = Intake(keys, writer, clock, progress.wait)
    pullers = _pullers(stores, journeys, personas, tokens, writer)
    feeds = _feeds(stores, log, progress, progress_bell or Bell(), clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with stores.opened():
            made = await bootstrap(stores.log, settings.credentials_file, clock)
            if made.notice:
                _log.warning(made.notice)
            async with _at_work(pullers, log, feeds, writer):
                yield

    app = EventsApp(
        title="Klantreis events",
        summary="Sources, intake, customers, live journeys and timelines. For services only, but for /v1.",
        lifespan=lifespan,
        surroundings=settings,
    )
    _tell_operators(app.operators, stores, LogMetrics(log, progress, clock))
    _add_internal_routes(
        app, stores, log, tokens, asked, customer_tokens, control, intake, writer, progress, pullers, clock
    )
    app.include_router(services.events.feeds.api.router(feeds, workspace_of(tokens)))
    app.feeds = feeds
    libraries, exports = LibrarySettings(keys, clock, settings.public_url), _exports(stores, log, keys, progress)
    _open(app, intake, tokens, libraries, exports)
    return app


def _open(
    app: EventsApp,
    intake: Intake,
    tokens: ServiceTokens,
    libraries: LibrarySettings,
    exports: Mapping[str, Entrance],
) -> None:
    intake_at = services.events.intake.api.entrances(intake, tokens, libraries)
    app.open_front_door(lambda path: intake_at(path) or exports.get(path))


def _tell_operators(operators: OperatorRoutes, stores: Stores, lag: LogMetrics) -> None:
    for part, store in stores.parts.items():
        operators.readiness.needs(part, store.probe)
    operators.before_metrics(lag.refresh)


@asynccontextmanager
async def _at_work(pullers: Pullers, log: LogStore, feeds: Feeds, writer: LogWriter) -> AsyncIterator[None]:
    """Meanwhile models are pulled; then everything under way comes to its end."""
    pulling = [asyncio.create_task(puller.run(log.workspaces), name="model puller") for puller in pullers]
    try:
        yield
    finally:
        for task in pulling:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await feeds.close()
        await writer.close()


def _pullers(
    stores: Stores, journeys: Upstream | None, personas: Upstream | None, tokens: ServiceTokens, writer: LogWriter
) -> Pullers:
    published = PublishedPersonas(stores.state)
    return Pullers(
        ModelPuller(PublisherClient("journeys", journeys, tokens), journeys_of(Models(stores.state)), writer),
        ModelPuller(PublisherClient("personas", personas, tokens), personas_of(published), writer),
    )


def _feeds(stores: Stores, log: LogStore, progress: Progress, bell: Bell, clock: Clock) -> Feeds:
    customers = CustomerQueries(stores.state, log)
    changes = ChangeFeed(stores.state, log, customers, clock)
    events = EventFeed(stores.state, log, EntryReader(log), customers, progress.visible_until)
    channel = None if stores.state.is_sqlite else Channel(stores.state, PROGRESS_CHANNEL, bell.ring)
    return Feeds({"changes": changes, "events": events}, bell, channel)


def _exports(stores: Stores, log: LogStore, keys: KeyRing, progress: Progress) -> Mapping[str, Entrance]:
    events = EventExport(stores.state, log, progress.visible_until)
    instances = InstanceExport(InstanceQueries(stores.state), events)
    return services.events.export.api.entrances(keys, events, instances)


def _add_internal_routes(
    app: FastAPI,
    stores: Stores,
    log: LogStore,
    tokens: ServiceTokens,
    keys: KeyRing,
    customer_tokens: CustomerTokens,
    control: ControlStore,
    intake: Intake,
    writer: LogWriter,
    progress: Progress,
    pullers: Pullers,
    clock: Clock,
) -> None:
    """Each router checks the service token of every call."""
    workspace = workspace_of(tokens)
    customers, ledgers = CustomerQueries(stores.state, log), LedgerQueries(stores.state)
    reader = EntryReader(log)
    timelines = TimelineQueries(stores.state, reader)
    instances, models = InstanceQueries(stores.state), Models(stores.state)
    reads = InstanceReads(instances, DecisiveQueries(stores.state), models, customers, timelines)
    assignments = Assignments(PublishedPersonas(stores.state), OccurrenceQueries(stores.state))
    stories = Stories(DisclosureQueries(stores.state), models, reader, log, clock)
    disclosure, following = Disclosure(stories, models, assignments), Following(stories, models, log, clock)
    sources, rejected = Sources(stores.log, clock), RejectedQueries(stores.state)
    for router in (
        services.events.control.api.router(tokens, keys, customer_tokens, control, workspace),
        services.events.control.sources_api.router(control, sources, workspace),
        services.events.identity.api.router(customers, ledgers, workspace),
        services.events.timeline.api.router(timelines, customers, workspace),
        services.events.live.api.router(reads, workspace),
        services.events.live.past.api.router(stores.state, log, customers, timelines, assignments, workspace),
        services.events.personas.api.router(PersonaReads(assignments, customers, clock), workspace),
        services.events.disclosure.api.router(disclosure, following, workspace),
        services.events.insights.api.router(InsightQueries(stores.state, models), instances, models, workspace),
        services.events.health.api.router(HealthQueries(stores.state, clock), workspace),
        services.events.rejected.api.router(rejected, Resubmission(rejected, control, log, writer), workspace),
        services.events.projector.api.router(progress, clock, workspace),
        services.events.models.api.router(*pullers, workspace),
    ):
        app.include_router(router)
