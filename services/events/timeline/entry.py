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


def same_content(one: Recorded, other: Recorded) -> bool:
    """Whether two events with one message id say the same, whenever they were sent and received."""
    same_facts = all(getattr(one, name) == getattr(other, name) for name in _FACTS)
    return same_facts and all(_same_json(getattr(one, name), getattr(other, name)) for name in _OBJECTS)


def as_sent(recorded: Recorded) -> dict[str, Any]:
    """The event as a sender could send it again, JSON objects untouched."""
    document: dict[str, Any] = {name: getattr(recorded, name) for name in _FACTS}
    return document | {name: msgspec.Raw(getattr(recorded, name) or b"{}") for name in _OBJECTS}


_FACTS = ("message_id", "kind", "name", "channel", "device", "identifiers", "original_timestamp", "sequence")
_OBJECTS = ("properties", "context", "traits")


def _same_json(one: bytes, other: bytes) -> bool:
    """Equal bytes, or equal values: a client may write the members in another order."""
    return one == other or _object(one) == _object(other)
