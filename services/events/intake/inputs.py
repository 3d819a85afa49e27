"""The GraphQL wire form: an `EventInput`, and the event it means."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from services.events.intake.domain.context import Context, is_sequence, normal_device, read_context
from services.events.intake.domain.event import (
    Receipt,
    email_of,
    read_kind,
    read_label,
    read_message_id,
    too_large,
)
from services.events.intake.domain.identifiers import Candidate, read_text, strongest_first
from services.events.intake.domain.moments import read_moment, resolve
from services.events.intake.domain.objects import (
    ABSENT,
    UNDECODABLE,
    explain,
    flaw_in,
    overlay,
    read_object,
    sent_object,
)
from services.events.intake.domain.values import BAD_VALUE, Refusal, is_plain
from services.events.intake.slots import Recorded


class EventInput(msgspec.Struct, rename="camel", gc=False):
    """Types are judged later, so as to tell the place."""

    message_id: Any = None
    kind: Any = None
    name: Any = None
    identifiers: Any = None
    occurred_at: Any = None
    sequence: Any = None
    channel: Any = None
    device: Any = None
    properties: Raw = ABSENT
    traits: Raw = ABSENT
    context: Raw = ABSENT


_inputs = msgspec.json.Decoder(EventInput)


def read_input(sent: bytes, receipt: Receipt, received_at: int) -> Recorded:
    """The event of one input, whose syntax is known to be sound. Raises Refusal."""
    if len(sent) > receipt.most_bytes:
        raise too_large(len(sent), receipt.most_bytes)
    if not (receipt.plain or is_plain(sent)) and (flaw := flaw_in(sent)):
        raise flaw
    try:
        given = _inputs.decode(sent)
    except UNDECODABLE as error:
        raise explain(sent, otherwise="An event is an object.") from error
    kind = "track" if given.kind is None else read_kind(given.kind, ("kind",))
    context_sent = sent_object(given.context)
    context = read_context(context_sent)
    properties, traits = sent_object(given.properties), sent_object(given.traits)
    read_object(properties, "properties")
    trait_values = read_object(traits, "traits")
    original = read_moment(given.occurred_at, ("occurredAt",))
    occurred_at, clamped = resolve(original, None, received_at)
    name = read_label(given.name, ("name",))
    if name is None:
        raise Refusal(BAD_VALUE, "An event has a name.", ("name",))
    candidates = [*_listed(given.identifiers), *context.external_ids]
    if kind == "identify":
        candidates.append(("email", email_of(trait_values, context.traits)))
    customer = receipt.customer
    if customer is not None:
        candidates.append(customer)
    identifiers = strongest_first(candidates, _own_user(candidates) if receipt.imported and kind == "alias" else None)
    return Recorded(
        receipt.source,
        read_message_id(given.message_id, receipt.new_id),
        kind,
        name,
        read_label(given.channel, ("channel",))
        or context.channel
        or receipt.default_channel
        or context.likely_channel(kind),
        normal_device(read_label(given.device, ("device",))) or context.device,
        identifiers,
        receipt.verified and (customer is None or identifiers == (customer,)),
        occurred_at,
        original,
        None,
        received_at,
        clamped,
        _sequence(given.sequence, context),
        properties,
        context_sent,
        overlay(context.traits_sent, traits),
    )


def _own_user(candidates: list[Candidate]) -> str | None:
    """Exports list identifiers as they are kept, and of an alias the user comes first whose it is."""
    type, value = candidates[0] if candidates else ("", None)
    return value if type == "user_id" else None


def _listed(identifiers: Any) -> list[Candidate]:
    if identifiers is None:
        return []
    if not isinstance(identifiers, list):
        raise Refusal(BAD_VALUE, "This must be a list.", ("identifiers",))
    candidates: list[Candidate] = []
    for index, item in enumerate(identifiers):
        path = ("identifiers", str(index))
        if not isinstance(item, dict):
            raise Refusal(BAD_VALUE, "An identifier is an object with `type` and `value`.", path)
        type = read_label(item.get("type"), (*path, "type"))
        if type is None:
            raise Refusal(BAD_VALUE, "An identifier has a type.", (*path, "type"))
        candidates.append((type, read_text(item.get("value"), (*path, "value"))))
    return candidates


def _sequence(value: Any, context: Context) -> int | None:
    if value is None:
        return context.sequence
    if not is_sequence(value):
        raise Refusal(BAD_VALUE, "This must be an integer of 64 bits.", ("sequence",))
    sequence: int = value
    return sequence
