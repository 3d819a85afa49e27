"""Why a customer is one: what events assert about identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.areas.customers.identifiers import Identifier, to_identifier
from gateway.clients import customers as documents
from gateway.context import Info
from gateway.errors import BadId
from gateway.loaders import CustomerLoaders
from gateway.permissions import ReadsPersonalData, resolved
from gateway.relay import global_id, parse_global_id
from gateway.scalars import DateTime
from gateway.vocabulary import Trust

if TYPE_CHECKING:
    from gateway.areas.customers.types import TouchpointEvent

_KIND = "LedgerEntry"


@strawberry.type(
    description="What an event asserts about identifiers, and what became of it. `kind` is LINK: that both are of one "
    "customer. The id stays the same, whichever event turns out to be the first to say so."
)
class LedgerEntry:
    loaders: strawberry.Private[CustomerLoaders]
    event_key: strawberry.Private[str]
    id: strawberry.ID
    kind: str
    identifiers: list[Identifier] = strawberry.field(permission_classes=[ReadsPersonalData])
    trust: Trust = strawberry.field(description="Of whoever says so.")
    taken: bool
    reason: str = strawberry.field(description="Why it was taken or refused, in plain English.")
    at: DateTime

    @resolved(description="The first one that says so.")
    async def event(
        self, info: Info
    ) -> Annotated[TouchpointEvent, strawberry.lazy("gateway.areas.customers.types")] | None:
        # Events lead to instances, these to customers, and customers to their ledgers.
        from gateway.areas.customers.types import to_event  # noqa: PLC0415

        found = await self.loaders.event_by_id.load(self.event_key)
        return to_event(found, self.loaders) if found else None


def to_ledger_entry(document: documents.LedgerEntry, loaders: CustomerLoaders) -> LedgerEntry:
    return LedgerEntry(
        loaders=loaders,
        event_key=document.event_id,
        id=global_id(_KIND, document.id),
        kind=document.kind,
        identifiers=[to_identifier(item) for item in document.identifiers],
        trust=document.trust,
        taken=document.taken,
        reason=document.reason,
        at=DateTime(document.at),
    )


def ledger_key(id: str) -> str:
    """The entry that a global id names. Raises BadId when it names none."""
    kind, key = parse_global_id(id)
    if kind != _KIND:
        raise BadId("This is not the id of an entry of a ledger.")
    return key
