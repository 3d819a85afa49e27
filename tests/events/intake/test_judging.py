"""What is kept of the request with an event that is refused."""

from __future__ import annotations

from services.events.intake.domain.event import Receipt
from services.events.intake.judging import judge
from services.events.intake.slots import CALL, INPUT, Carriage, Refused

CONTEXT = b'{"locale":"' + b"n" * 200_000 + b'"}'


def carriages(events: list[bytes], receipt: Receipt, form: str) -> list[Carriage]:
    slots = judge(events, receipt, form)
    assert all(isinstance(slot, Refused) for slot in slots)
    return [slot.carriage for slot in slots if isinstance(slot, Refused)]


def receipt(**more: object) -> Receipt:
    return Receipt(**{"source": "s", "verified": True, "default_channel": None, "received_at": 1, "new_id": str} | more)  # type: ignore[arg-type]


def test_a_refused_event_keeps_how_it_came() -> None:
    of_a_batch = receipt(sent_at=7, shared_context=b'{"locale":"nl"}')
    assert carriages([b"{}"], of_a_batch, CALL) == [Carriage(CALL, True, None, 7, b'{"locale":"nl"}')]
    assert carriages([b"{}"], receipt(kind="track"), CALL) == [Carriage(CALL, True, "track")]
    of_a_customer = receipt(customer=("user_id", "u1"))
    assert carriages([b"{}"], of_a_customer, INPUT) == [Carriage(INPUT, True, customer=("user_id", "u1"))]


def test_a_long_context_is_not_kept_with_very_many_events() -> None:
    found = carriages([b"{}"] * 5, receipt(shared_context=CONTEXT), CALL)
    assert [one.shared_context for one in found] == [CONTEXT, CONTEXT, None, None, None]
