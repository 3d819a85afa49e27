"""Customers as other services see them, and how they ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypedDict

import msgspec
from pydantic import Field

from infra.chassis.clock import to_rfc3339
from services.events.identity.assertions import shown
from services.events.identity.domain import Assertion, ProfileId
from services.events.identity.queries import CustomerRow, KnownIdentifier
from services.events.paging import MOST
from services.events.schemas import Body, First, Ids, Text
from services.events.timeline.domain import occurred_at_of


class IdentifierBody(Body):
    type: Text
    value: Text


class FindBody(Body):
    identifiers: Annotated[list[IdentifierBody], Field(max_length=MOST)]


class CustomersBody(Body):
    ids: Ids


class LedgersBody(Body):
    customers: Ids
    first: First = MOST
    after: Text | None = None  # the id of an entry


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


class LedgerEntryDocument(msgspec.Struct, rename="camel"):
    """`event_id` is the first event that says so."""

    id: str
    kind: str
    identifiers: list[IdentifierDocument]
    trust: str
    taken: bool
    reason: str
    event_id: str
    at: str


def identifier_document(known: KnownIdentifier) -> IdentifierDocument:
    return IdentifierDocument(known.type, known.value, _trust(known.verified), to_rfc3339(known.first_seen_at))


def ledger_documents(
    body: LedgersBody, assertions: Sequence[Assertion], known: Callable[[ProfileId], KnownIdentifier]
) -> list[LedgerEntryDocument]:
    """The entries that are asked for. Raises BadRequest (BAD_CURSOR)."""
    return [_ledger_entry(one, known) for one in shown(assertions, body.first, body.after)]


def _ledger_entry(assertion: Assertion, known: Callable[[ProfileId], KnownIdentifier]) -> LedgerEntryDocument:
    return LedgerEntryDocument(
        id=assertion.id,
        kind="LINK",
        identifiers=[identifier_document(known(profile)) for profile in assertion.pair[:2]],
        trust=_trust(assertion.pair.verified),
        taken=assertion.link.refusal is None,
        reason=assertion.reason,
        event_id=assertion.event,
        at=to_rfc3339(occurred_at_of(assertion.link.key)),
    )


def _trust(verified: bool) -> str:
    return "VERIFIED" if verified else "CLAIMED"


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


class Customers(TypedDict):
    customers: list[CustomerDocument | None]


class Ledgers(TypedDict):
    ledgers: list[list[LedgerEntryDocument] | None]


class Profiles(TypedDict):
    profiles: list[list[str]]
