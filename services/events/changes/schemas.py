"""Published changes as other services see them."""

from __future__ import annotations

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.live.domain.changes import InstanceChange


class ChangeDocument(msgspec.Struct, rename="camel"):
    position: str
    instance_id: str
    customer_id: str
    journey_key: str
    key: str | None
    previous_status: str | None
    previous_phase: str | None
    status: str | None
    phase: str | None
    at: str
    correction: bool


def change_document(change: InstanceChange, position: str) -> ChangeDocument:
    return ChangeDocument(
        position=position,
        instance_id=change.instance.hex(),
        customer_id=change.customer.hex(),
        journey_key=change.journey,
        key=change.key,
        previous_status=change.previous_status,
        previous_phase=change.previous_phase,
        status=change.status,
        phase=change.phase,
        at=to_rfc3339(change.at),
        correction=change.correction,
    )
