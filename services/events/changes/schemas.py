"""Published changes as other services see them, and how they ask for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from infra.chassis.clock import to_rfc3339
from services.events.changes.store import PublishedChange
from services.events.schemas import Body, Text

MOST = 1_000


class ChangesBody(Body):
    after: Text | None = None
    first: Annotated[int, Field(strict=True, ge=0, le=MOST)] = 100


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


class ChangesDocument(msgspec.Struct):
    changes: list[ChangeDocument]
    end: str | None


def change_document(published: PublishedChange) -> ChangeDocument:
    change = published.change
    return ChangeDocument(
        position=published.place.token(),
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
