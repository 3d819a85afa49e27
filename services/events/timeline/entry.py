"""An event as it stands in the log, read lazily: most rules look at the name alone."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import msgspec

from services.events.intake.slots import Recorded
from services.events.timeline.domain import Microseconds, history_key

_decode = msgspec.json.decode


class Entry(msgspec.Struct, eq=False, gc=False):
    """A recorded event and its place in the log (row `seq`, index `slot`). Satisfies timeline.domain.Event.

    Tens of thousands are held, so the garbage collector does not look into them: nothing in them points back.
    """

    seq: int
    slot: int
    recorded: Recorded
    kind: str
    name: str
    channel: str | None
    device: str | None
    source: str
    message_id: str
    occurred_at: Microseconds
    key: bytes
    """See timeline.domain.history_key; looked at many times by each stage. Empty if this release can make none, as of a
    kind that another release brought."""
    _properties: Mapping[str, Any] | None = None
    _context: Mapping[str, Any] | None = None
    _traits: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, seq: int, slot: int, event: Recorded) -> Entry:
        return cls(
            seq,
            slot,
            event,
            event.kind,
            event.name,
            event.channel,
            event.device,
            event.source,
            event.message_id,
            event.occurred_at,
            _key_of(event),
        )

    @property
    def id(self) -> str:
        """The event's permanent id within its workspace."""
        return f"{self.seq}-{self.slot}"

    @property
    def has_place(self) -> bool:
        """Whether it stands in a history. Intake records nothing else; but a log may hold what another release let
        pass."""
        return bool(self.key and self.recorded.identifiers)

    @property
    def properties(self) -> Mapping[str, Any]:
        if self._properties is None:
            self._properties = _object(self.recorded.properties)
        return self._properties

    @property
    def context(self) -> Mapping[str, Any]:
        if self._context is None:
            self._context = _object(self.recorded.context)
        return self._context

    @property
    def traits(self) -> Mapping[str, Any]:
        if self._traits is None:
            self._traits = _object(self.recorded.traits)
        return self._traits


def _key_of(event: Recorded) -> bytes:
    try:
        return history_key(event.occurred_at, event.sequence, event.kind, event.source, event.message_id)
    except (KeyError, struct.error):
        return b""


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
