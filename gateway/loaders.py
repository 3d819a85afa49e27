"""Loaders of one request, named by relation and key: what many fields ask for at once travels in one call.

Each answers in key order, None for what is not there, and asks for at most 100 keys a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from gateway.clients.answers import BATCH_LIMIT, Page
from gateway.clients.customers import (
    Assignment,
    Customer,
    CustomersClient,
    Event,
    Explanation,
    IdentifierKey,
    Instance,
    InstanceKey,
    InstancesOf,
    LedgerEntry,
    LedgerOf,
    Step,
    StepsOf,
    TimelineOf,
    View,
)
from gateway.clients.events import (
    DropOffKey,
    DropOffsOf,
    EventsClient,
    HealthOf,
    Insights,
    InsightsReading,
    RejectedEvent,
    Source,
    SourceHealth,
    Workspace,
)
from gateway.clients.journeys import Journey, JourneysClient
from gateway.clients.models import ModelKey
from gateway.clients.personas import Persona, PersonasClient

K = TypeVar("K", bound=Hashable)
P = TypeVar("P", bound=Hashable)
V = TypeVar("V")


class _Paged:
    """Loaders that are made when they are asked for."""

    def __init__(self) -> None:
        self._paged: dict[tuple[str, Hashable], DataLoader[Any, Any]] = {}

    def _of_page(
        self, relation: str, page: P, fetch: Callable[[list[K], P], Awaitable[list[V | None]]]
    ) -> DataLoader[K, V | None]:
        """One loader for everything that asks for the same page of the same relation."""
        if (relation, page) not in self._paged:
            self._paged[relation, page] = _loader(lambda keys: fetch(keys, page))
        return self._paged[relation, page]


class Loaders(_Paged):
    """Never shared between requests: what one caller may see must not reach another."""

    def __init__(self, personas: PersonasClient, journeys: JourneysClient, events: EventsClient) -> None:
        super().__init__()
        self._events = events
        self._views: dict[View, CustomerLoaders] = {}
        self.persona_by_key: DataLoader[ModelKey, Persona | None] = _loader(personas.read)
        self.versions_by_persona: DataLoader[str, list[Persona] | None] = _loader(personas.versions)
        self.journey_by_key: DataLoader[ModelKey, Journey | None] = _loader(journeys.read)
        self.versions_by_journey: DataLoader[str, list[Journey] | None] = _loader(journeys.versions)
        self.instance_by_id: DataLoader[str, Instance | None] = _loader(events.instances)
        self.rejected_event_by_id: DataLoader[str, RejectedEvent | None] = _loader(events.rejected_by_id)
        self.workspace_by_key: DataLoader[str, Workspace | None] = DataLoader(self._workspaces)
        self.source_by_key: DataLoader[str, Source | None] = DataLoader(self._sources)

    def as_of(self, moment: str | None) -> CustomerLoaders:
        """Customers as they were at a moment; None: as they are."""
        return self.customers(View(as_of=moment))

    def disclosed_to(self, customer: IdentifierKey) -> CustomerLoaders:
        """What may be told to one customer of themself."""
        return self.customers(View(disclose_to=customer))

    def customers(self, view: View) -> CustomerLoaders:
        if view not in self._views:
            self._views[view] = CustomerLoaders(self._events.customers(view))
        return self._views[view]

    def insights_by_journey(self, reading: InsightsReading) -> DataLoader[str, Insights | None]:
        return self._of_page("insights", reading, self._events.insights)

    def instances_by_drop_off(self, page: DropOffsOf) -> DataLoader[DropOffKey, Page[Instance] | None]:
        return self._of_page("drop-offs", page, self._events.drop_offs)

    def health_by_source(self, period: HealthOf) -> DataLoader[str, SourceHealth | None]:
        return self._of_page("health", period, self._events.health)

    async def _workspaces(self, keys: list[str]) -> list[Workspace | None]:
        own = await self._events.workspace()
        return [own if key == own.key else None for key in keys]

    async def _sources(self, keys: list[str]) -> list[Source | None]:
        known = {source.key: source for source in await self._events.sources()}
        return [known.get(key) for key in keys]


class CustomerLoaders(_Paged):
    """Customers and all that hangs on them, as one view shows them.

    There is no other way to them, and what was loaded goes on with the loaders it came from: so no field of a customer
    of the past can show the present, nor one that is told to a customer show what may not be.
    """

    def __init__(self, client: CustomersClient) -> None:
        super().__init__()
        self._client = client
        self.customer_by_id: DataLoader[str, Customer | None] = _loader(client.customers)
        self.customer_by_identifier: DataLoader[IdentifierKey, Customer | None] = _loader(client.find)
        self.assignment_by_customer: DataLoader[str, Assignment | None] = _loader(client.assignments)
        self.event_by_id: DataLoader[str, Event | None] = _loader(client.events)
        self.instances_by_event: DataLoader[str, list[Instance] | None] = _loader(client.instances_of_events)
        self.explanations_by_instance: DataLoader[InstanceKey, list[Explanation] | None] = _loader(client.explanations)

    def instances_by_customer(self, page: InstancesOf) -> DataLoader[str, Page[Instance] | None]:
        return self._of_page("instances", page, self._client.instances_of_customers)

    def ledger_by_customer(self, page: LedgerOf) -> DataLoader[str, list[LedgerEntry] | None]:
        return self._of_page("ledger", page, self._client.ledgers)

    def timeline_by_customer(self, page: TimelineOf) -> DataLoader[str, Page[Event] | None]:
        return self._of_page("timeline", page, self._client.timelines)

    def steps_by_instance(self, page: StepsOf) -> DataLoader[InstanceKey, Page[Step] | None]:
        return self._of_page("steps", page, self._client.steps)


def _loader(fetch: Callable[[list[K]], Awaitable[list[V]]]) -> DataLoader[K, V]:
    return DataLoader(fetch, max_batch_size=BATCH_LIMIT)
