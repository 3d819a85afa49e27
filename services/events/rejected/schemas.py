"""Rejected events as other services see them."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.schemas import Body, Ids
from services.events.timeline.store import RejectedRow

_read_path = msgspec.json.Decoder(list[str]).decode


class RejectedBody(Body):
    ids: Ids


class RejectedDocument(msgspec.Struct, rename="camel"):
    id: str
    source: str
    received_at: str
    code: str
    message: str
    path: list[str]
    body: str


class RejectedEvents(TypedDict):
    rejectedEvents: list[RejectedDocument | None]


def rejected_document(row: RejectedRow) -> RejectedDocument:
    """Bytes that are no UTF-8 show as U+FFFD: what was sent may be broken in just that way."""
    return RejectedDocument(
        id=f"{row.seq}-{row.slot}",
        source=row.source,
        received_at=to_rfc3339(row.received_at),
        code=row.code,
        message=row.message,
        path=_read_path(row.path),
        body=row.body.decode(errors="replace"),
    )
