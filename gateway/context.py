"""What every resolver of one request has at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from graphql import DocumentNode

from gateway.clients.events import EventsClient, Principal
from gateway.clients.journeys import JourneysClient
from gateway.clients.personas import PersonasClient
from gateway.loaders import Loaders
from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Problem
from infra.chassis.upstream import Upstream

if TYPE_CHECKING:
    from gateway.streams.newsroom import Live

D = TypeVar("D")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The upstreams, and what is made of them for a workspace."""

    personas: Upstream
    journeys: Upstream
    events: Upstream
    tokens: ServiceTokens

    def personas_client(self, workspace: str) -> PersonasClient:
        return PersonasClient(self.personas, self.tokens.mint(PersonasClient.audience, workspace))

    def journeys_client(self, workspace: str) -> JourneysClient:
        return JourneysClient(self.journeys, self.tokens.mint(JourneysClient.audience, workspace))

    def events_client(self, workspace: str) -> EventsClient:
        return EventsClient(self.events, self.tokens.mint(EventsClient.audience, workspace))

    def loaders(self, workspace: str) -> Loaders:
        return Loaders(self.personas_client(workspace), self.journeys_client(workspace), self.events_client(workspace))


@dataclass(slots=True)
class Context:
    """`fields` are the names that the document selects anywhere: what nobody asks for need not be read.

    `after` is the position from the header Klantreis-After: the default of every `position` argument."""

    document: DocumentNode
    fields: frozenset[str]
    principal: Principal
    personas: PersonasClient
    journeys: JourneysClient
    events: EventsClient
    after: str | None = None
    live: Live | None = None
    """How a subscription hears of what happens."""
    loaders: Loaders = field(init=False)
    stale: bool = False
    recorded: str | None = None
    _waits: dict[str, asyncio.Task[bool]] = field(default_factory=dict)
    _made: dict[tuple[object, int], tuple[object, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.personas, self.journeys, self.events)

    @property
    def listening(self) -> Live:
        if self.live is None:
            raise RuntimeError("only subscriptions listen")
        return self.live

    def once(self, make: Callable[[D], T], document: D) -> T:
        """What `make` makes of a document that many fields of one request may show: a journey, a persona."""
        key = (make, id(document))
        if key not in self._made:
            self._made[key] = (document, make(document))  # as long as it is kept, no other has its id
        made: T = self._made[key][1]
        return made

    async def catch_up(self, position: str | None = None) -> None:
        """Waits until `position` is projected, at most 2 s and once per position; notes when the answer is stale.

        Raises a Problem with the code BAD_POSITION when it is malformed.
        """
        wanted = position or self.after
        if not wanted:
            return
        if wanted not in self._waits:
            self._waits[wanted] = asyncio.ensure_future(self.events.wait(wanted))
        if await self._waits[wanted]:
            self.stale = True

    async def record(self, position: str | None, *, wait: bool) -> None:
        """Notes where a write ended up, for the header of the answer; with `wait` lets it be projected first.

        What was loaded before it is forgotten.
        """
        self.recorded = position or self.recorded
        self.loaders = Loaders(self.personas, self.journeys, self.events)
        if wait and position:
            try:
                await self.catch_up(position)
            except Problem:  # what was accepted stays accepted
                self.stale = True


Info = strawberry.Info[Context, None]
