"""Events of a wire form, each judged by itself: when they come, and when a refused one is sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import structs

from services.events.intake.cloudevents import read_cloud_event
from services.events.intake.domain.context import flaw_of_shared
from services.events.intake.domain.event import Receipt
from services.events.intake.domain.values import TOO_LARGE, Refusal
from services.events.intake.history import as_history, read_history
from services.events.intake.inputs import read_input
from services.events.intake.segment import read_call
from services.events.intake.slots import CALL, CLOUD_EVENT, HISTORY, INPUT, Carriage, Recorded, Refused

Judged: TypeAlias = Recorded | Refused

_MOST_SHARED = 512 * 1024
"""Bytes of the context of one batch that are kept with its refused events, all together. A batch can be one long
context and very many events that are nothing."""
_READERS: dict[str, Callable[[bytes, Receipt, int], Recorded]] = {
    CALL: read_call,
    CLOUD_EVENT: read_cloud_event,
    INPUT: read_input,
    HISTORY: read_history,
}


def judge(events: Sequence[bytes], receipt: Receipt, form: str) -> list[Judged]:
    """One bad event never spoils the others: it is kept beside them, as it was sent. `form`: see `slots.Carriage`."""
    read, carriage = _READERS[form], _carriage(receipt, form)
    room = _MOST_SHARED
    slots: list[Judged] = []
    for received_at, event in enumerate(events, receipt.received_at):
        try:
            slots.append(read(event, receipt, received_at))
        except Refusal as refusal:
            room -= len(receipt.shared_context)
            if room < 0 and carriage.shared_context:
                carriage = structs.replace(carriage, shared_context=None)
            code, message, path = refusal.code, refusal.message, refusal.path
            slots.append(Refused(receipt.source, received_at, code, message, path, event, carriage))
    return slots


def judge_again(refused: Refused, default_channel: str | None, new_id: Callable[[], str]) -> Recorded:
    """What a refused event is if it is taken now, as of when it was received and as it came then. Raises Refusal."""
    came = refused.carriage
    if came.shared_context is None:
        raise Refusal(TOO_LARGE, "The context of its batch was too much to keep with each of its events.", ("context",))
    receipt = Receipt(
        source=refused.source,
        verified=came.verified,
        default_channel=default_channel,
        received_at=refused.received_at,
        new_id=new_id,
        kind=came.kind,
        sent_at=came.sent_at,
        shared_context=came.shared_context,
        shared_flaw=flaw_of_shared(came.shared_context),
        customer=came.customer,
        subject_type=came.subject_type,
    )
    receipt = as_history(receipt) if came.form == HISTORY else receipt
    return _READERS[came.form](refused.body, receipt, refused.received_at)


def _carriage(receipt: Receipt, form: str) -> Carriage:
    return Carriage(
        form,
        receipt.verified,
        receipt.kind,
        receipt.sent_at,
        receipt.shared_context,
        receipt.customer,
        receipt.subject_type,
    )
