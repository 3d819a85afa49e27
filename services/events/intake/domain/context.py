"""The circumstances of an event, as far as they have a meaning of their own. Pure.

Context is free-form: what does not have the shape that is looked for is left alone, never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from services.events.intake.domain.channels import campaign_of, likely_channel, place_of
from services.events.intake.domain.devices import device_of_hints, device_of_user_agent
from services.events.intake.domain.identifiers import Candidate, from_external_ids
from services.events.intake.domain.objects import NOTHING, flaw_in, member_of, overlay, read_object
from services.events.intake.domain.values import MAX_DEPTH, Refusal, is_plain

_SEQUENCE_LIMIT = 1 << 63
_DEVICES = {"ios": "mobile", "android": "mobile"}


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a context says."""

    channel: str | None = None
    device: str | None = None
    sequence: int | None = None
    external_ids: tuple[Candidate, ...] = ()
    traits: Mapping[str, Any] = NOTHING
    traits_sent: bytes = b""
    place: str | None = None
    """Where the customer seems to have been, as a channel."""
    campaign: str | None = None
    """By what they seem to have been reached, as a channel."""

    def likely_channel(self, kind: str) -> str | None:
        """That of an event of this kind, where neither it nor its source names one."""
        return likely_channel(kind, self.place, self.campaign)


_SILENT = Context()
_KNOWN = 64
_MEANINGFUL = frozenset(
    {
        "campaign",
        "channel",
        "device",
        "externalIds",
        "library",
        "page",
        "sequence",
        "traits",
        "userAgent",
        "userAgentData",
    }
)


@lru_cache(_KNOWN)
def read_context(sent: bytes) -> Context:
    """Raises Refusal (BAD_VALUE) for what is no object, or holds a value that cannot be kept.

    The last ones are remembered: libraries on servers send the same with every event, and it is a tenth of its price.
    """
    values = read_object(sent, "context")
    if _MEANINGFUL.isdisjoint(values):
        return _SILENT
    channel, sequence = values.get("channel"), values.get("sequence")
    traits: Any = values.get("traits")
    has_traits = isinstance(traits, dict)
    return Context(
        channel if isinstance(channel, str) and channel else None,
        _device(values),
        sequence if is_sequence(sequence) else None,
        tuple(from_external_ids(values["externalIds"])) if "externalIds" in values else (),
        traits if has_traits else NOTHING,
        member_of(sent, "traits") if has_traits else b"",
        place_of(values),
        campaign_of(values) if "campaign" in values else None,
    )


def _device(context: Mapping[str, Any]) -> str | None:
    """As it says itself, else by the hints that a browser gives, else by its user agent."""
    device, hints, user_agent = context.get("device"), context.get("userAgentData"), context.get("userAgent")
    return (
        (normal_device(device.get("type")) if isinstance(device, dict) else None)
        or (device_of_hints(hints) if isinstance(hints, dict) else None)
        or (device_of_user_agent(user_agent) if isinstance(user_agent, str) else None)
    )


def flaw_of_shared(shared: bytes) -> Refusal | None:
    """What is wrong with the context of a whole batch; to be asked once, however many events it has."""
    if not shared:
        return None
    if not is_plain(shared, MAX_DEPTH - 1) and (flaw := flaw_in(shared, ("context",))):
        return flaw
    try:
        read_object(shared, "context")
    except Refusal as refusal:
        return refusal
    return None


def shared_under(shared: bytes, own: bytes) -> bytes:
    """The context of a whole batch, known to be sound, overlaid by an event's own. Raises Refusal (BAD_VALUE)."""
    read_object(own, "context")
    return overlay(shared, own)


def normal_device(type: Any) -> str | None:
    """In lower case; the systems of phones are `mobile`."""
    if not isinstance(type, str) or not type:
        return None
    lowered = type.lower()
    return _DEVICES.get(lowered, lowered)


def is_sequence(value: Any) -> bool:
    """An integer of 64 bits with a sign."""
    return type(value) is int and -_SEQUENCE_LIMIT <= value < _SEQUENCE_LIMIT
