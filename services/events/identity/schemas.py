"""Customers as other services see them, and how they ask for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from infra.chassis.clock import to_rfc3339
from services.events.identity.queries import CustomerRow, KnownIdentifier
from services.events.paging import MOST
from services.events.schemas import Body, Ids, Text


class IdentifierBody(Body):
    type: Text
    value: Text


class FindBody(Body):
    identifiers: Annotated[list[IdentifierBody], Field(max_length=MOST)]


class CustomersBody(Body):
    ids: Ids


class IdentifierDocument(msgspec.Struct, rename="camel"):
    type: str
    value: str
    trust: str
    first_seen_at: str


class TraitDocument(msgspec.Struct, rename="camel"):
    key: str
    value: msgspec.Raw
    occurred_at: str
    source: str


class CustomerDocument(msgspec.Struct, rename="camel"):
    id: str
    identifiers: list[IdentifierDocument]
    traits: dict[str, msgspec.Raw]
    trait_history: list[TraitDocument]
    first_seen_at: str
    last_seen_at: str
    first_event_id: str


def identifier_document(known: KnownIdentifier) -> IdentifierDocument:
    trust = "VERIFIED" if known.verified else "CLAIMED"
    return IdentifierDocument(known.type, known.value, trust, to_rfc3339(known.first_seen_at))


def customer_document(row: CustomerRow) -> CustomerDocument:
    """The history of traits holds the value in force of each, the latest first."""
    history = sorted(row.traits.items(), key=lambda item: (-item[1].occurred_at, item[0]))
    return CustomerDocument(
        id=row.customer.hex(),
        identifiers=[identifier_document(known) for known in row.identifiers],
        traits={key: trait.value for key, trait in row.traits.items()},
        trait_history=[
            TraitDocument(key, trait.value, to_rfc3339(trait.occurred_at), trait.source) for key, trait in history
        ],
        first_seen_at=to_rfc3339(row.first_seen_at),
        last_seen_at=to_rfc3339(row.last_seen_at),
        first_event_id=row.first_event,
    )
