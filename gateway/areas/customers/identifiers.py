"""What names customers."""

from __future__ import annotations

import msgspec
import strawberry

from gateway.clients import customers as documents
from gateway.scalars import DateTime
from gateway.vocabulary import Trust


@strawberry.type
class Identifier:
    type: str
    value: str
    trust: Trust
    first_seen_at: DateTime


def to_identifier(document: documents.Identifier) -> Identifier:
    return msgspec.convert(document, Identifier, from_attributes=True)
