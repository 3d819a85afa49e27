"""What a log row holds: the *slots* of one commit group of one workspace, compressed together.

A place in the log plus the index of a slot names an entry for ever, so a slot can be blanked (`Blank`) but never
removed. Facts and what changes their meaning stand side by side: events, refused events, and published models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from infra.chassis.compression import compress, decompress


class Recorded(msgspec.Struct, array_like=True, tag="e", frozen=True, gc=False):
    """An accepted event in its normal form. JSON objects stay the bytes that were sent; moments are microseconds."""

    source: str
    message_id: str
    kind: str
    name: str
    channel: str | None
    device: str | None
    identifiers: tuple[tuple[str, str], ...]  # (type, value), the strongest first
    verified: bool  # the sender is trusted to assert identifiers and their links
    occurred_at: int
    original_timestamp: int | None
    sent_at: int | None
    received_at: int
    clamped: bool
    sequence: int | None
    properties: bytes
    context: bytes
    traits: bytes
    imported: bool = False  # history that was loaded: it counts like any event, but nobody is told


CALL, CLOUD_EVENT, INPUT, HISTORY = "call", "cloud event", "input", "history"
"""Wire forms: a call of Segment's, a CloudEvent, an `EventInput`, and calls and inputs as history that is loaded."""


class Carriage(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How an event came: what its request said of it besides its own bytes."""

    form: str = CALL
    verified: bool = False
    kind: str | None = None  # that of the route
    sent_at: int | None = None  # that of the batch
    shared_context: bytes | None = b""  # that of the batch, as sent; None: too much to keep with each of its events
    customer: tuple[str, str] | None = None  # whom the sender spoke for
    subject_type: str | None = None  # what subjects are, as its address said


class Refused(msgspec.Struct, array_like=True, tag="r", frozen=True, gc=False):
    """An event that could not be accepted, with the bytes as sent, so that it can be looked at and sent again."""

    source: str
    received_at: int
    code: str
    message: str
    path: tuple[str, ...]
    body: bytes
    carriage: Carriage = Carriage()


class Resubmitted(msgspec.Struct, array_like=True, tag="s", frozen=True, gc=False):
    """A rejected event, by its place, that was accepted later; the slot before this one holds it as it was then."""

    seq: int
    slot: int


class Published(msgspec.Struct, array_like=True, tag="m", frozen=True, gc=False):
    """A journey version that came into being: its document as JSON, as the journeys service published it."""

    journey: str
    version: int
    document: bytes


class PublishedPersona(msgspec.Struct, array_like=True, tag="p", frozen=True, gc=False):
    """A persona version that came into being: its document as JSON, as the personas service published it."""

    persona: str
    version: int
    document: bytes


class Blank(msgspec.Struct, array_like=True, tag="x", frozen=True, gc=False):
    """A slot that was erased."""


Slot: TypeAlias = Recorded | Refused | Resubmitted | Published | PublishedPersona | Blank


def size_of(slot: Slot) -> int:
    """About how many bytes it holds, as far as senders decide."""
    if isinstance(slot, Recorded):
        return len(slot.properties) + len(slot.context) + len(slot.traits)
    if isinstance(slot, Refused):
        return len(slot.body) + len(slot.carriage.shared_context or b"")
    return 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Slot])
_raw_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
_slot_decoder: msgspec.msgpack.Decoder[Slot] = msgspec.msgpack.Decoder(Slot)
_LEVEL = 1


def pack(slots: Sequence[Slot]) -> bytes:
    """The body of a log row."""
    return compress(_encoder.encode(slots), _LEVEL)


def unpack(body: bytes) -> list[Slot]:
    """The slots of a log row, in their order."""
    return _decoder.decode(decompress(body))


def unpack_raw(body: bytes) -> list[msgspec.Raw]:
    """The slots of a log row as they are stored; they keep the whole row in memory."""
    return _raw_decoder.decode(decompress(body))


def unpack_some(body: bytes, indices: Iterable[int]) -> dict[int, Slot]:
    """Of the slots of a log row those asked for, as far as they exist; the others are not decoded."""
    raw = _raw_decoder.decode(decompress(body))
    return {index: _slot_decoder.decode(raw[index]) for index in indices if index < len(raw)}
