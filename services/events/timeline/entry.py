"""An event as it stands in the log, read lazily: most rules look at the name alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from services.events.intake.slots import Recorded
from services.events.timeline.domain import Microseconds, history_key

_decode = msgspec.json.decode


class Entry:
    """A recorded event and its place in the log (row `seq`, index `slot`). Satisfies timeline.domain.Event."""

    def __init__(self, seq: int, slot: int, recorded: Recorded) -> None:
        self.seq = seq
        self.slot = slot
        self.recorded = recorded
        self.kind = recorded.kind
        self.name = recorded.name
        self.channel = recorded.channel
        self.device = recorded.device
        self.source = recorded.source
        self.message_id = recorded.message_id
        self.occurred_at: Microseconds = recorded.occurred_at

    @property
    def id(self) -> str:
        """The event's permanent id within its workspace."""
        return f"{self.seq}-{self.slot}"

    @cached_property
    def key(self) -> bytes:
        event = self.recorded
        return history_key(event.occurred_at, event.sequence, event.kind, event.source, event.message_id)

    @cached_property
    def properties(self) -> Mapping[str, Any]:
        return _object(self.recorded.properties)

    @cached_property
    def context(self) -> Mapping[str, Any]:
        return _object(self.recorded.context)

    @cached_property
    def traits(self) -> Mapping[str, Any]:
        return _object(self.recorded.traits)


def _object(raw: bytes) -> Mapping[str, Any]:
    """Intake admits JSON objects only; none sent is an empty one."""
    decoded: Mapping[str, Any] = _decode(raw) if raw else {}
    return decoded
