"""The three modes of CloudEvents over HTTP: each request becomes the JSON form of its events.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

An event that came in headers is kept, if it is refused, in that form too: as it can be looked at and sent again.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw
from starlette.requests import Request

from infra.chassis.errors import BadRequest, Problem, TooLarge
from services.events.intake.bodies import Opened, check_value, open_call, open_list
from services.events.intake.domain.cloud_attributes import DATA
from services.events.intake.domain.event import MAX_EVENT_BYTES
from services.events.intake.domain.media_types import is_json, member_of_payload

_MEDIA_TYPE = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_PREFIX = b"ce-"
_NO_ATTRIBUTES = ("datacontenttype", *DATA)
"""What has a place of its own: `Content-Type` and the body."""

_PRINTABLE = re.compile(rb"[\t\x20-\x7e]*")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_ENCODED = re.compile(rb"(?:[^%]|%[0-9A-Fa-f]{2})*+")


_LONGEST_SUBJECT_TYPE = 64
_LONGEST_ATTRIBUTES = 3 * MAX_EVENT_BYTES
"""Bytes of headers: of percent-encoding it takes three to make one of an event."""


class UnsupportedFormat(Problem):
    status = 415
    default_code = "UNSUPPORTED_FORMAT"


async def open_cloud_events(request: Request, body: bytes) -> Opened:
    """The events of a request, by its `Content-Type`: a batch, one in the body, or one whose attributes are headers.

    Raises BadRequest for headers or a body that cannot be used, UnsupportedFormat for another one than JSON, TooLarge
    for too many events.
    """
    content_type = request.headers.get("Content-Type")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if not media_type.startswith(_MEDIA_TYPE):
        return Opened([await _from_headers(request, content_type, body)], None, None, b"")
    if media_type == f"{_BATCH}+json":
        return await open_list(body)
    if media_type == f"{_MEDIA_TYPE}+json":
        return await open_call(body)
    raise UnsupportedFormat(f"CloudEvents in a body are JSON: {_MEDIA_TYPE}+json, or a list as {_BATCH}+json.")


def subject_type_of(request: Request) -> str | None:
    """Of what type of identifier the subjects of a request are, as its address says; None if it says nothing.

    One text for up to 2,500 events: it is kept with each of them, so it is short. Raises BadRequest.
    """
    told = request.query_params.get("subject")
    if told and (len(told) > _LONGEST_SUBJECT_TYPE or not told.isprintable()):
        limit = f"has at most {_LONGEST_SUBJECT_TYPE} characters, all of them printable"
        raise BadRequest(f"A type of identifier, which `subject` in the address is, {limit}.", code="BAD_SUBJECT")
    return told or None


async def _from_headers(request: Request, content_type: str | None, body: bytes) -> bytes:
    attributes = {}
    room = _LONGEST_ATTRIBUTES
    for header, value in request.headers.raw:
        if header.startswith(_PREFIX):
            room -= len(header) + len(value)
            if room < 0:
                raise TooLarge(f"The headers of an event have at most {_LONGEST_ATTRIBUTES:,} bytes.")
            name = header.removeprefix(_PREFIX).decode("latin-1")
            if name in attributes or name in _NO_ATTRIBUTES:
                reason = "is there twice" if name in attributes else "is no header: give `Content-Type` and a body"
                raise _bad_header(name, reason)
            attributes[name] = decode_header(name, value)
    if not attributes:
        message = f"This is no CloudEvent: give its attributes as `ce-` headers, or send it as {_MEDIA_TYPE}+json."
        raise BadRequest(message, code="NO_CLOUD_EVENT")
    if content_type is not None:
        attributes["datacontenttype"] = content_type
    members: dict[str, object] = dict(attributes)
    if body:
        if is_json(content_type):
            await check_value(body)
        name, sent = member_of_payload(content_type, body)
        members[name] = Raw(sent)
    return msgspec.json.encode(members)


def decode_header(name: str, value: bytes) -> str:
    """The value of an attribute from that of its header: unquoted, then percent-decoded once. Raises BadRequest."""
    if not _PRINTABLE.fullmatch(value):
        raise _bad_header(name, "holds more than ASCII: percent-encode it as UTF-8")
    if quoted := _QUOTED.fullmatch(value):
        value = _ESCAPED.sub(rb"\1", quoted[1])
    elif b'"' in value:
        raise _bad_header(name, "has a quotation mark that should be percent-encoded")
    if not _ENCODED.fullmatch(value):
        raise _bad_header(name, "has a percent sign that should be percent-encoded")
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise _bad_header(name, "is not the percent-encoding of UTF-8") from None


def _bad_header(name: str, reason: str) -> BadRequest:
    return BadRequest(f"The header {f'ce-{name}'!r} {reason}.", code="BAD_HEADER")
