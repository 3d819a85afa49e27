"""Why something is as it is, and where to look that up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.clients import customers as documents
from gateway.context import Info
from gateway.loaders import CustomerLoaders
from gateway.permissions import ReadsModels, resolved

if TYPE_CHECKING:
    from gateway.areas.customers.types import TouchpointEvent


@strawberry.type(description="One reason why something is as it is, in plain English.")
class Explanation:
    loaders: strawberry.Private[CustomerLoaders]
    event_keys: strawberry.Private[list[str]]
    text: str
    rule: str | None = strawberry.field(
        permission_classes=[ReadsModels],
        description="As authored. A persona's is true of the customer. A journey's is true of each of `events`; "
        "where there are none, nothing has met it yet.",
    )
    model_version: int | None = strawberry.field(description="Of the journey or persona that the rule is of.")

    @resolved(description="What it speaks of.")
    async def events(
        self, info: Info
    ) -> list[Annotated[TouchpointEvent, strawberry.lazy("gateway.areas.customers.types")]]:
        # Events lead to instances, and instances to explanations.
        from gateway.areas.customers.types import to_event  # noqa: PLC0415

        found = await self.loaders.event_by_id.load_many(self.event_keys)
        return [to_event(event, self.loaders) for event in found if event]


def to_explanation(document: documents.Explanation, loaders: CustomerLoaders) -> Explanation:
    return Explanation(
        loaders=loaders,
        event_keys=document.events or [],
        text=document.text,
        rule=document.rule,
        model_version=document.model_version,
    )
