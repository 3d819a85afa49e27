"""What a media type (RFC 2046) says of bytes: whether they are JSON, or text, or neither. Pure."""

from __future__ import annotations

import base64
import re

import msgspec

_WORD = r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:[ \t]*;[ \t]*(?:{_WORD}=(?:{_WORD}|{_QUOTED}))?)*+[ \t]*")
_CHARSET = re.compile(r';[ \t]*charset="?([^";\s]*)', re.IGNORECASE)
_OF_UTF_8 = ("", "utf-8", "utf8", "us-ascii")


def is_media_type(text: str) -> bool:
    return _MEDIA_TYPE.fullmatch(text) is not None


def is_json(media_type: str | None) -> bool:
    """CloudEvents without a media type hold JSON."""
    subtype = "json" if media_type is None else _essence(media_type).rpartition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def member_of_payload(media_type: str | None, payload: bytes) -> tuple[str, bytes]:
    """The member of a CloudEvent in its JSON form, name and JSON, that holds bytes of this type.

    JSON is taken as it is, sound or not; text that is UTF-8 as a text; all else in base 64.
    """
    if is_json(media_type):
        return "data", payload
    text = _text(media_type or "", payload)
    if text is None:
        return "data_base64", msgspec.json.encode(base64.b64encode(payload).decode())
    return "data", msgspec.json.encode(text)


def _text(media_type: str, payload: bytes) -> str | None:
    essence = _essence(media_type)
    charset = _CHARSET.search(media_type)
    if not (essence.startswith("text/") or essence.endswith(("/xml", "+xml"))):
        return None
    if charset is not None and charset[1].lower() not in _OF_UTF_8:
        return None
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
