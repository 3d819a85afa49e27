"""Rejected events as other services see them."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.rejected.handlers import Resubmitting
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


class ResultDocument(msgspec.Struct, rename="camel"):
    message_id: str | None
    status: str
    code: str | None
    message: str | None
    path: tuple[str, ...]


class ResubmittedDocument(msgspec.Struct):
    accepted: int
    rejected: int
    results: list[ResultDocument]
    position: str | None


def resubmitted_document(done: Resubmitting) -> ResubmittedDocument:
    rejected = sum(result.code is not None for result in done.results)
    return ResubmittedDocument(
        accepted=len(done.results) - rejected,
        rejected=rejected,
        results=[
            ResultDocument(one.message_id, "REJECTED" if one.code else "ACCEPTED", one.code, one.message, one.path)
            for one in done.results
        ],
        position=None if done.place is None else done.place.token(),
    )


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
