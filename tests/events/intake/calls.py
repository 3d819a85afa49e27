"""Judging one call without a server: what the tests of the wire forms share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.events.intake.cloudevents import read_cloud_event
from services.events.intake.domain.event import Receipt
from services.events.intake.domain.values import Refusal
from services.events.intake.inputs import read_input
from services.events.intake.segment import read_call
from services.events.intake.slots import Recorded

NOW = 1_795_348_800_000_000  # 2026-11-22T12:00:00Z
SECOND = 1_000_000
RECEIPT = Receipt("website", verified=False, default_channel=None, received_at=NOW, new_id=lambda: "made")
Judgement = Recorded | tuple[str, tuple[str, ...]]


def track(**changes: Any) -> dict[str, Any]:
    """A call that is fine, with changes."""
    return {"type": "track", "messageId": "m", "userId": "u", "event": "Seen"} | changes


def judge_call(call: dict[str, Any] | bytes, **receipt: Any) -> Judgement:
    """The event of a call, or code and path of its refusal."""
    return _judge(read_call, call, receipt)


def judge_input(given: dict[str, Any] | bytes, **receipt: Any) -> Judgement:
    return _judge(read_input, given, receipt)


def judge_cloud_event(event: dict[str, Any] | bytes, **receipt: Any) -> Judgement:
    return _judge(read_cloud_event, event, receipt)


def event_of(call: dict[str, Any] | bytes, **receipt: Any) -> Recorded:
    judgement = judge_call(call, **receipt)
    assert isinstance(judgement, Recorded), judgement
    return judgement


def _judge(
    read: Callable[[bytes, Receipt, int], Recorded], given: dict[str, Any] | bytes, receipt: dict[str, Any]
) -> Judgement:
    sent = given if isinstance(given, bytes) else json.dumps(given).encode()
    try:
        whole = replace(RECEIPT, **receipt)
        return read(sent, whole, whole.received_at)
    except Refusal as refusal:
        return refusal.code, refusal.path
