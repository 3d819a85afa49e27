"""The Segment wire form: one call as it arrives, and the event it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from services.events.intake.domain.context import Context, read_context, shared_under
from services.events.intake.domain.event import (
    Receipt,
    email_of,
    read_kind,
    read_label,
    read_message_id,
    too_large,
)
from services.events.intake.domain.identifiers import Candidate, names_somebody, nobody, read_text, strongest_first
from services.events.intake.domain.moments import read_moment, resolve
from services.events.intake.domain.objects import (
    ABSENT,
    NOTHING,
    UNDECODABLE,
    explain,
    flaw_in,
    overlay,
    read_object,
    sent_object,
)
from services.events.intake.domain.values import BAD_VALUE, Refusal, is_plain
from services.events.intake.slots import Recorded

_NAMES = {"identify": "Identify", "group": "Group", "alias": "Alias", "page": "Page Viewed", "screen": "Screen Viewed"}
_CHANNELS = {"browser": "web", "mobile": "app", "server": None}
"""What SDKs say in `channel`: where their own code runs. On a server that is not where the customer was."""


class Call(msgspec.Struct, rename="camel", gc=False):
    """What is read of a call; all other members are left alone. Types are judged later, so as to tell the place."""

    type: Any = None
    message_id: Any = None
    event: Any = None
    name: Any = None
    category: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    channel: Any = None
    properties: Raw = ABSENT
    context: Raw = ABSENT
    traits: Raw = ABSENT


_calls = msgspec.json.Decoder(Call)


def read_call(sent: bytes, receipt: Receipt, received_at: int) -> Recorded:
    """The event of one call, whose syntax is known to be sound. Raises Refusal."""
    if len(sent) + len(receipt.shared_context) > receipt.most_bytes:
        raise too_large(len(sent) + len(receipt.shared_context), receipt.most_bytes)
    if receipt.shared_flaw:
        raise receipt.shared_flaw
    if not (receipt.plain or is_plain(sent)) and (flaw := flaw_in(sent)):
        raise flaw
    try:
        call = _calls.decode(sent)
    except UNDECODABLE as error:
        raise explain(sent, otherwise="An event is an object.") from error
    kind: str = receipt.kind or (call.type if call.type == "track" else read_kind(call.type, ("type",)))
    context_sent = sent_object(call.context)
    if receipt.shared_context:
        context_sent = shared_under(receipt.shared_context, context_sent)
    context = read_context(context_sent)
    properties = sent_object(call.properties)
    read_object(properties, "properties")
    traits, trait_values = context.traits_sent, NOTHING
    if call.traits is not ABSENT:
        own_traits = sent_object(call.traits)
        trait_values = read_object(own_traits, "traits")
        traits = overlay(traits, own_traits)
    original = read_moment(call.timestamp, ("timestamp",))
    if original is None:
        original = read_moment(call.original_timestamp, ("originalTimestamp",))
    sent_at = receipt.sent_at if call.sent_at is None else read_moment(call.sent_at, ("sentAt",))
    occurred_at, clamped = resolve(original, sent_at, received_at)
    return Recorded(
        receipt.source,
        read_message_id(call.message_id, receipt.new_id),
        kind,
        _name(call, kind),
        context.channel
        or (call.channel and _channel(call.channel))
        or receipt.default_channel
        or context.likely_channel(kind),
        context.device,
        _identifiers(call, kind, context, trait_values),
        receipt.verified,
        occurred_at,
        original,
        sent_at,
        received_at,
        clamped,
        context.sequence,
        properties,
        context_sent,
        traits,
    )


def _identifiers(call: Call, kind: str, context: Context, traits: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    user, anonymous = call.user_id, call.anonymous_id
    if type(user) is not str:
        user = read_text(user, ("userId",))
    if type(anonymous) is not str:
        anonymous = read_text(anonymous, ("anonymousId",))
    if kind == "track" and not context.external_ids:
        return _of_visitor(user, anonymous)
    candidates: list[Candidate] = [("user_id", user), ("anonymous_id", anonymous), *context.external_ids]
    if kind == "identify":
        candidates.append(("email", email_of(traits, context.traits)))
    if kind != "alias":
        return strongest_first(candidates)
    previous = read_text(call.previous_id, ("previousId",))
    return strongest_first([*candidates, ("user_id", previous), ("anonymous_id", previous)], own_user=user)


def _of_visitor(user: str | None, anonymous: str | None) -> tuple[tuple[str, str], ...]:
    """The same as `strongest_first`, at a third of the price, for nearly all events that there are."""
    found: tuple[tuple[str, str], ...] = ()
    if anonymous is not None and names_somebody(anonymous):
        found = (("anonymous_id", anonymous),)
    if user is not None and names_somebody(user):
        found = (("user_id", user), *found)
    if not found:
        raise nobody()
    return found


def _name(call: Call, kind: str) -> str:
    if kind == "track":
        name = call.event if type(call.event) is str else read_label(call.event, ("event",))
        if not name:
            raise Refusal(BAD_VALUE, "A track call says in `event` what happened.", ("event",))
        return name
    if kind in ("page", "screen"):
        return read_label(call.name, ("name",)) or read_label(call.category, ("category",)) or _NAMES[kind]
    return _NAMES[kind]


def _channel(value: Any) -> str | None:
    channel = read_label(value, ("channel",))
    return channel and _CHANNELS.get(channel.lower(), channel)
