"""History that is loaded: each item a Segment call, if it has a `type`, or an `EventInput`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from services.events.intake.domain.event import MAX_EVENT_BYTES, Receipt
from services.events.intake.domain.moments import resolve
from services.events.intake.domain.objects import UNDECODABLE
from services.events.intake.domain.values import BAD_TIMESTAMP, Refusal
from services.events.intake.inputs import read_input
from services.events.intake.segment import read_call
from services.events.intake.slots import Recorded


class _Form(msgspec.Struct):
    type: Any = None


MAX_IMPORTED_BYTES = 2 * MAX_EVENT_BYTES + 4_096
"""An exported event says what it was once more: who it is about, and traits beside the context that they came in."""

_forms = msgspec.json.Decoder(_Form)


def as_history(receipt: Receipt) -> Receipt:
    return replace(receipt, most_bytes=MAX_IMPORTED_BYTES, imported=True)


def read_history(sent: bytes, receipt: Receipt, received_at: int) -> Recorded:
    """The event of one item. Raises Refusal, also for one that does not say when it happened: it was not now."""
    try:
        is_call = _forms.decode(sent).type is not None
    except UNDECODABLE:
        is_call = False  # what is wrong with it is found out either way
    event = (read_call if is_call else read_input)(sent, receipt, received_at)
    if event.original_timestamp is None:
        path = ("timestamp",) if is_call else ("occurredAt",)
        raise Refusal(BAD_TIMESTAMP, "History says when it happened.", path)
    # When it was sent, long ago, tells nothing of the clocks of now.
    occurred_at, clamped = resolve(event.original_timestamp, None, received_at)
    return msgspec.structs.replace(event, occurred_at=occurred_at, clamped=clamped, imported=True)
