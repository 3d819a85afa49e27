from __future__ import annotations

import strawberry
from strawberry import UNSET

from gateway.clients.customers import IdentifierKey
from gateway.relay import parse_global_id
from gateway.scalars import JSON, DateTime
from infra.chassis.errors import Problem


@strawberry.input(description='Type: "customer_id", "user_id", "anonymous_id", "email", "crm_id", ...')
class IdentifierInput:
    type: str
    value: str


@strawberry.input
class EventInput:
    message_id: str
    kind: str | None = "track"
    name: str
    identifiers: list[IdentifierInput]
    occurred_at: DateTime | None = UNSET
    sequence: int | None = UNSET
    channel: str | None = UNSET
    device: str | None = UNSET
    properties: JSON | None = UNSET
    traits: JSON | None = UNSET
    context: JSON | None = UNSET


def identifier_key(identifier: IdentifierInput) -> IdentifierKey:
    """The identifier as events knows it: a customer may be named by the `id` that this API gave."""
    if identifier.type == "customer_id":
        return IdentifierKey(identifier.type, _customer_key(identifier.value))
    return IdentifierKey(identifier.type, identifier.value)


def _customer_key(value: str) -> str:
    try:
        kind, key = parse_global_id(value)
    except Problem:
        return value
    return key if kind == "Customer" else value
