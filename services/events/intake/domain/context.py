"""The circumstances of an event, as far as they have a meaning of their own. Pure.

Context is free-form: what does not have the shape that is looked for is left alone, never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.events.intake.domain.identifiers import Candidate, from_external_ids
from services.events.intake.domain.objects import NOTHING, flaw_in, member_of, overlay, read_object
from services.events.intake.domain.values import MAX_DEPTH, is_plain

_SEQUENCE_LIMIT = 1 << 63
_DEVICES = {"ios": "mobile", "android": "mobile"}


class Context(NamedTuple):
    sent: bytes = b""
    channel: str | None = None
    device: str | None = None
    sequence: int | None = None
    external_ids: tuple[Candidate, ...] = ()
    traits: Mapping[str, Any] = NOTHING
    traits_sent: bytes = b""


class ContextReader:
    """Reads the contexts of the events of one request; SDKs on servers send the same one with each.

    A batch may have one for all its events (`shared`), which each event's own overlays.
    """

    def __init__(self, shared: bytes = b"") -> None:
        self._shared = shared
        self._read = {} if shared else {b"": Context()}

    def read(self, sent: bytes) -> Context:
        """Raises Refusal (BAD_VALUE)."""
        known = self._read.get(sent)
        if known is None:
            known = self._read[sent] = _context(_shared_under(self._shared, sent) if self._shared else sent)
        return known


def normal_device(type: Any) -> str | None:
    """In lower case; the systems of phones are `mobile`."""
    if not isinstance(type, str) or not type:
        return None
    lowered = type.lower()
    return _DEVICES.get(lowered, lowered)


def is_sequence(value: Any) -> bool:
    """An integer of 64 bits with a sign."""
    return type(value) is int and -_SEQUENCE_LIMIT <= value < _SEQUENCE_LIMIT


def _context(sent: bytes) -> Context:
    values = read_object(sent, "context")
    channel, device, sequence, traits = (values.get(name) for name in ("channel", "device", "sequence", "traits"))
    return Context(
        sent=sent,
        channel=channel if isinstance(channel, str) and channel else None,
        device=normal_device(device.get("type")) if isinstance(device, dict) else None,
        sequence=sequence if is_sequence(sequence) else None,
        external_ids=tuple(from_external_ids(values.get("externalIds"))),
        traits=traits if isinstance(traits, dict) else NOTHING,
        traits_sent=member_of(sent, "traits") if isinstance(traits, dict) else b"",
    )


def _shared_under(shared: bytes, own: bytes) -> bytes:
    """Both are judged before they are put together, since that needs sound objects."""
    for sent in (shared, own):
        if not is_plain(sent, MAX_DEPTH - 1) and (flaw := flaw_in(sent, ("context",))):
            raise flaw
        read_object(sent, "context")
    return overlay(shared, own)
