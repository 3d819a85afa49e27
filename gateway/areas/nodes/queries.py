"""Anything again by the global id that an answer gave, as Relay and the caches of clients want it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

import strawberry

from gateway.areas.customers.types import to_customer, to_event, to_instance
from gateway.areas.events.types import to_rejected_event
from gateway.areas.journeys.types import to_journey
from gateway.areas.personas.types import to_persona
from gateway.areas.sources.types import source_of
from gateway.areas.workspace.types import to_workspace
from gateway.context import Context, Info
from gateway.errors import BadId, BadPage
from gateway.permissions import ReadsCustomers, ReadsModels, Scope, resolved
from gateway.relay import PAGE_LIMIT, Node, model_key, parse_global_id


async def _persona(info: Info, key: str) -> Node | None:
    found = await info.context.loaders.persona_by_key.load(model_key(key))
    return to_persona(found) if found else None


async def _journey(info: Info, key: str) -> Node | None:
    found = await info.context.loaders.journey_by_key.load(model_key(key))
    return to_journey(found) if found else None


async def _customer(info: Info, key: str) -> Node | None:
    loaders = info.context.loaders.as_of(None)
    found = await loaders.customer_by_id.load(key)
    return to_customer(found, loaders) if found else None


async def _instance(info: Info, key: str) -> Node | None:
    found = await info.context.loaders.instance_by_id.load(key)
    return to_instance(found, info.context.loaders.as_of(None)) if found else None


async def _event(info: Info, key: str) -> Node | None:
    loaders = info.context.loaders.as_of(None)
    found = await loaders.event_by_id.load(key)
    return to_event(found, loaders) if found else None


async def _rejected_event(info: Info, key: str) -> Node | None:
    found = await info.context.loaders.rejected_event_by_id.load(key)
    return to_rejected_event(found) if found else None


async def _source(info: Info, key: str) -> Node | None:
    return await source_of(info, key)


async def _workspace(info: Info, key: str) -> Node | None:
    found = await info.context.loaders.workspace_by_key.load(key)
    return to_workspace(found) if found else None


class _Kind(NamedTuple):
    scope: type[Scope]
    fetch: Callable[[Info, str], Awaitable[Node | None]]


_KINDS = {
    "Workspace": _Kind(ReadsModels, _workspace),
    "Persona": _Kind(ReadsModels, _persona),
    "Journey": _Kind(ReadsModels, _journey),
    "Customer": _Kind(ReadsCustomers, _customer),
    "JourneyInstance": _Kind(ReadsCustomers, _instance),
    "TouchpointEvent": _Kind(ReadsCustomers, _event),
    "RejectedEvent": _Kind(ReadsCustomers, _rejected_event),
    "Source": _Kind(ReadsCustomers, _source),
}


def _parse(id: str) -> tuple[_Kind, str]:
    name, key = parse_global_id(id)
    if name not in _KINDS:
        raise BadId("This is not an id that an answer of this API gave.")
    return _KINDS[name], key


def _kind_of(id: str) -> _Kind | None:
    try:
        return _parse(id)[0]
    except BadId:  # which the field itself says, at its place
        return None


async def _fetch(info: Info, id: str) -> Node | None:
    kind, key = _parse(id)
    return await kind.fetch(info, key)


class ReadsNodes(Scope):
    """Asks for the scope that each thing needs where it is reached by name."""

    name = "customers:read, or models:read for the workspace, personas and journeys"

    def has_permission(self, source: Any, info: strawberry.Info[Context, None], **kwargs: Any) -> bool:
        ids = kwargs["ids"] if "ids" in kwargs else [kwargs["id"]]
        return {kind.scope.name for kind in map(_kind_of, ids) if kind} <= set(info.context.principal.scopes)


@strawberry.type
class NodeQueries:
    @resolved(ReadsNodes, description="What an answer gave this id to; null when it is there no more.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        await info.context.catch_up()
        return await _fetch(info, id)

    @resolved(ReadsNodes, description="At most 100, in the order of their ids.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        if len(ids) > PAGE_LIMIT:
            raise BadPage(f"`ids` holds at most {PAGE_LIMIT} ids.")
        await info.context.catch_up()
        # An error is the value of its own place in the list, so that one that fails leaves the others alone.
        found = await asyncio.gather(*(_fetch(info, id) for id in ids), return_exceptions=True)
        return cast(list[Node | None], found)
