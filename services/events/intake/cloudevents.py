"""A CloudEvent in its JSON form, and the event it means.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from services.events.intake.domain.channels import likely_channel
from services.events.intake.domain.cloud_attributes import DATA, Attributes, read_attributes
from services.events.intake.domain.context import is_sequence, normal_device
from services.events.intake.domain.event import (
    LONGEST_MESSAGE_ID,
    Receipt,
    email_of,
    read_kind,
    read_label,
    too_large,
)
from services.events.intake.domain.identifiers import Candidate, read_text, strongest_first, usable
from services.events.intake.domain.media_types import is_json, member_of_payload
from services.events.intake.domain.moments import read_moment, resolve
from services.events.intake.domain.objects import UNDECODABLE, explain, flaw_in, read_object
from services.events.intake.domain.values import BAD_VALUE, MAX_DEPTH, NO_IDENTIFIER, Path, Refusal, is_plain
from services.events.intake.slots import Recorded

_KINDS_WITH_TRAITS = ("identify", "group")
_FIELDS = ("specversion", "id", "type", "time")
"""Attributes that an event has fields of its own for. All others are its context."""
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)

_members = msgspec.json.Decoder(dict[str, Raw])
_raw = msgspec.json.Decoder(Raw)


def read_cloud_event(sent: bytes, receipt: Receipt, received_at: int) -> Recorded:
    """The event of one CloudEvent, whose syntax is known to be sound. Raises Refusal."""
    if len(sent) > receipt.most_bytes:
        raise too_large(len(sent), receipt.most_bytes)
    if not (receipt.plain or is_plain(sent)) and (flaw := flaw_in(sent)):
        raise flaw
    try:
        members = _members.decode(sent)
        attributes = read_attributes(members.items())
    except UNDECODABLE as error:
        raise explain(sent, otherwise="A CloudEvent is an object.") from error
    kind = read_kind(attributes.get("kind", "track"), ("kind",))
    data, values = _data(members, attributes, kind)
    original = read_moment(attributes.get("time"), ("time",))
    occurred_at, clamped = resolve(original, None, received_at)
    has_traits = kind in _KINDS_WITH_TRAITS
    return Recorded(
        receipt.source,
        _message_id(attributes),
        kind,
        attributes["type"],
        read_label(attributes.get("channel"), ("channel",))
        or receipt.default_channel
        or likely_channel(kind, place=None, campaign=None),
        normal_device(read_label(attributes.get("device"), ("device",))),
        _identifiers(attributes, kind, values, receipt.subject_type),
        receipt.verified,
        occurred_at,
        original,
        None,
        received_at,
        clamped,
        _sequence(attributes.get("sequence")),
        b"" if has_traits else data,
        _context(members, attributes),
        data if has_traits else b"",
    )


def message_id_in(event: Mapping[str, Any]) -> str | None:
    """That of the JSON form of a CloudEvent, of which nothing is known; None if it cannot be told."""
    source, id = event.get("source"), event.get("id")
    return f"{source} {id}" if isinstance(source, str) and isinstance(id, str) else None


def _message_id(attributes: Attributes) -> str:
    """`source` and `id` only together are unique, and in a URI there is no space."""
    message_id = f"{attributes['source']} {attributes['id']}"
    if len(message_id) > LONGEST_MESSAGE_ID:
        limit = f"`source` and `id` have at most {LONGEST_MESSAGE_ID - 1} characters together."
        raise Refusal(BAD_VALUE, limit, ("id",))
    return message_id


def _identifiers(
    attributes: Attributes, kind: str, traits: Mapping[str, Any], subject_type: str | None
) -> tuple[tuple[str, str], ...]:
    candidates: list[Candidate] = [
        ("user_id", read_text(attributes.get("userid"), ("userid",))),
        ("anonymous_id", read_text(attributes.get("anonymousid"), ("anonymousid",))),
    ]
    if subject_type is not None:
        candidates.append((subject_type, attributes.get("subject")))
    if kind == "identify":
        candidates.append(("email", email_of(traits)))
    if not usable(candidates):
        message = (
            "The event says of nobody that it is about them: give the extension `userid` or `anonymousid`, or say in"
            " the address what `subject` is, such as `?subject=user_id`."
        )
        raise Refusal(NO_IDENTIFIER, message)
    return strongest_first(candidates)


def _data(members: Mapping[str, Raw], attributes: Attributes, kind: str) -> tuple[bytes, Mapping[str, Any]]:
    """An object, as it was sent, and its members. What is no object becomes one, as the member of its name."""
    name, sent = _payload(members, attributes)
    path: Path = (name,)
    if not sent.startswith(b"{") and sent:
        if kind in _KINDS_WITH_TRAITS:
            raise Refusal(BAD_VALUE, "The data of this kind of event is an object: its traits.", path)
        sent, path = b'{"%b":%b}' % (name.encode(), sent), ()
    return sent, read_object(sent, *path)


def _payload(members: Mapping[str, Raw], attributes: Attributes) -> tuple[str, bytes]:
    """The member with the data, by its name; empty if there is none."""
    data, encoded = (bytes(members.get(name, b"")) for name in DATA)
    if encoded in (b"", b"null"):
        return "data", b"" if data == b"null" else data
    path = ("data_base64",)
    if data:
        raise Refusal(BAD_VALUE, "An event has either `data` or `data_base64`.", path)
    media_type = attributes.get("datacontenttype")
    try:
        payload = base64.b64decode(msgspec.json.decode(encoded, type=str), validate=True)
        if not payload:
            return "data", b""
        name, sent = member_of_payload(media_type, payload)
        sent = bytes(_raw.decode(sent))
    except (*UNDECODABLE, binascii.Error, ValueError) as error:
        what = "base 64 of JSON" if is_json(media_type) else "base 64"
        raise Refusal(BAD_VALUE, f"This must be {what}.", path) from error
    if not is_plain(sent, MAX_DEPTH - 1) and (flaw := flaw_in(sent, path)):
        raise flaw
    return name, b"" if sent == b"null" else sent


def _context(members: Mapping[str, Raw], attributes: Attributes) -> bytes:
    """In the same order each time, since headers come in any."""
    kept = {name: members[name] for name in sorted(attributes) if name not in _FIELDS}
    return msgspec.json.encode({"cloudevent": kept})


def _sequence(value: Any) -> int | None:
    """The extension `sequence` is a text by which others sort. It is ours where it is an integer of 64 bits."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    return value if is_sequence(value) else None
