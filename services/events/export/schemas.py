"""What an export says of an event and of an instance. Names are those by which an import takes events."""

from __future__ import annotations

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.identity.domain import ProfileId
from services.events.live.queries import InstanceRow
from services.events.timeline.entry import Entry


class NamedIdentifier(msgspec.Struct):
    type: str
    value: str


class EventRecord(msgspec.Struct, rename="camel"):
    """`properties`, `context` and `traits` are the bytes that were sent, on one line, so that no number or text
    changes.
    """

    id: str
    customer: str
    message_id: str
    kind: str
    name: str
    source: str
    channel: str | None
    device: str | None
    occurred_at: str
    received_at: str
    sequence: int | None
    identifiers: list[NamedIdentifier]
    properties: msgspec.Raw
    context: msgspec.Raw
    traits: msgspec.Raw


class InstanceRecord(msgspec.Struct, rename="camel"):
    id: str
    customer: str
    journey: str
    version: int
    key: str | None
    run: int
    status: str
    phase: str
    touchpoint: str | None
    started_at: str
    last_event_at: str
    ended_at: str | None
    due_at: str | None
    drop_off_reason: str | None
    drop_off_phase: str | None
    drop_off_at: str | None


def event_record(entry: Entry, customer: ProfileId) -> EventRecord:
    recorded = entry.recorded
    return EventRecord(
        id=entry.id,
        customer=customer.hex(),
        message_id=recorded.message_id,
        kind=recorded.kind,
        name=recorded.name,
        source=recorded.source,
        channel=recorded.channel,
        device=recorded.device,
        occurred_at=to_rfc3339(recorded.occurred_at),
        received_at=to_rfc3339(recorded.received_at),
        sequence=recorded.sequence,
        identifiers=[NamedIdentifier(*identifier) for identifier in recorded.identifiers],
        properties=_object(recorded.properties),
        context=_object(recorded.context),
        traits=_object(recorded.traits),
    )


def instance_record(row: InstanceRow) -> InstanceRecord:
    return InstanceRecord(
        id=row.instance.hex(),
        customer=row.customer.hex(),
        journey=row.journey,
        version=row.version,
        key=row.key,
        run=row.run,
        status=row.status,
        phase=row.phase,
        touchpoint=row.touchpoint,
        started_at=to_rfc3339(row.started_at),
        last_event_at=to_rfc3339(row.last_event_at),
        ended_at=_moment(row.ended_at),
        due_at=_moment(row.due_at),
        drop_off_reason=row.drop_reason,
        drop_off_phase=row.drop_phase,
        drop_off_at=_moment(row.drop_at),
    )


def _object(sent: bytes) -> msgspec.Raw:
    """Line breaks stand between values only: inside a text they are written otherwise."""
    return msgspec.Raw(sent.translate(None, b"\r\n") or b"{}")


def _moment(moment: int | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
