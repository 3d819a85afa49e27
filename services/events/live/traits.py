"""What identify events say about a customer: per trait the value of the event that is last in history order.

Stored are the bytes of each value just as they were sent, with the history key of their event: what is known is a
maximum over events, so neither arrival order nor repeats show, and moment and source need no room of their own.
Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from services.events.timeline.domain import Microseconds, occurred_at_of, source_of


class Trait(NamedTuple):
    """What is known by one name: the value as JSON just as it was sent, when it was true, and who said so."""

    value: msgspec.Raw
    occurred_at: Microseconds
    source: str


class Sent(Protocol):
    @property
    def traits(self) -> bytes: ...  # a JSON object, or nothing


class Said(Protocol):
    """An event with its traits as they were sent; see timeline.entry.Entry."""

    @property
    def kind(self) -> str: ...

    @property
    def key(self) -> bytes: ...

    @property
    def recorded(self) -> Sent: ...


_Known = dict[str, tuple[bytes, bytes]]
"""By trait: its value, and the history key of the event that says so."""

_decode = msgspec.msgpack.Decoder(_Known).decode
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_read_sent = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
NOTHING = _encode({})


def merge(stored: bytes | None, events: Iterable[Said]) -> bytes:
    """What is known after these events too; None: nothing was known. Only identify events say anything.

    Equal knowledge is equal bytes, whatever the order and the portions in which the events came.
    """
    saying = [event for event in events if event.kind == "identify" and event.recorded.traits]
    if not saying:
        return NOTHING if stored is None else stored
    known = {} if stored is None else _decode(stored)
    for event in saying:
        key = event.key
        for name, raw in _read_sent(event.recorded.traits).items():
            value = bytes(raw)
            held = known.get(name)
            # No two events share a key; comparing values as well keeps this a maximum even if they did.
            if held is None or (held[1], held[0]) < (key, value):
                known[name] = value, key
    return _encode(known)


def read(stored: bytes) -> dict[str, Trait]:
    """What is known, by name."""
    return {
        name: Trait(msgspec.Raw(value), occurred_at_of(key), source_of(key))
        for name, (value, key) in _decode(stored).items()
    }
