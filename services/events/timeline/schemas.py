"""Events and pages of them as other services see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.identity.domain import Identifier
from services.events.identity.queries import KnownIdentifier
from services.events.identity.schemas import IdentifierDocument, identifier_document
from services.events.paging import Page
from services.events.schemas import Body, Cursor, First, Ids, Text
from services.events.timeline.entry import Entry


class TimelinesBody(Body):
    customers: Ids
    first: First = 20
    after: Cursor = None
    journey: Text | None = None
    channel: list[Text] | None = None
    name: list[Text] | None = None


class EventsBody(Body):
    ids: Ids


class EventDocument(msgspec.Struct, rename="camel"):
    """`properties` and `context` are the bytes that were sent, so that no number or text changes on its way."""

    id: str
    message_id: str
    kind: str
    name: str
    source: str
    channel: str | None
    device: str | None
    properties: msgspec.Raw
    context: msgspec.Raw
    identifiers: list[IdentifierDocument]
    occurred_at: str
    original_timestamp: str | None
    sent_at: str | None
    received_at: str
    clamped: bool


def event_document(entry: Entry, known: Mapping[Identifier, KnownIdentifier]) -> EventDocument:
    recorded = entry.recorded
    return EventDocument(
        id=entry.id,
        message_id=recorded.message_id,
        kind=recorded.kind,
        name=recorded.name,
        source=recorded.source,
        channel=recorded.channel,
        device=recorded.device,
        properties=msgspec.Raw(recorded.properties or b"{}"),
        context=msgspec.Raw(recorded.context or b"{}"),
        identifiers=[_identifier(entry, identifier, known) for identifier in recorded.identifiers],
        occurred_at=to_rfc3339(recorded.occurred_at),
        original_timestamp=_moment(recorded.original_timestamp),
        sent_at=_moment(recorded.sent_at),
        received_at=to_rfc3339(recorded.received_at),
        clamped=recorded.clamped,
    )


def _identifier(
    entry: Entry, identifier: Identifier, known: Mapping[Identifier, KnownIdentifier]
) -> IdentifierDocument:
    """What is known of it by now; of an event that is not projected yet, what the event itself says."""
    found = known.get(identifier)
    if found is None:
        found = KnownIdentifier(b"", *identifier, entry.occurred_at, entry.recorded.verified)
    return identifier_document(found)


def _moment(moment: int | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)


class Timelines(TypedDict):
    pages: list[Page[EventDocument] | None]


class Events(TypedDict):
    events: list[EventDocument | None]
