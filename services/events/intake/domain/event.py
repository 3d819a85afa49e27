"""What an event of any wire form becomes: the rules that all forms share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.events.identity.domain import Identifier
from services.events.intake.domain.identifiers import read_text
from services.events.intake.domain.values import BAD_VALUE, TOO_LARGE, Path, Refusal

KINDS = frozenset({"track", "identify", "page", "screen", "group", "alias"})
MAX_EVENT_BYTES = 32 * 1024

LONGEST_MESSAGE_ID = 255


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known of an event besides what it says itself."""

    source: str
    verified: bool
    default_channel: str | None
    received_at: int
    """When the request came. Of its events each is received one microsecond after the one before."""
    new_id: Callable[[], str]
    """Makes the message id of an event that has none."""
    plain: bool = False
    """Its bytes are known to hold nothing forbidden (see values.is_plain), because the whole body is."""
    kind: str | None = None
    """That of the route; None where events name their own."""
    sent_at: int | None = None
    """That of the batch."""
    shared_context: bytes = b""
    """An object that the batch gives for all its events; empty if it gives none."""
    shared_flaw: Refusal | None = None
    """Why that object, and so each of the events, is refused."""
    most_bytes: int = MAX_EVENT_BYTES
    subject_type: str | None = None
    """Of what type of identifier the subjects of its CloudEvents are; None if they may be anything."""
    imported: bool = False
    """It is history that somebody loads, not what is happening."""
    customer: Identifier | None = None
    """Whom the sender speaks for, and for nobody else: what its events say of others they only claim."""


def too_large(length: int, most: int) -> Refusal:
    """`length` in bytes, the context that its batch gives it included."""
    limit = f"An event may be {most:,} bytes long; this one has {length:,}."
    return Refusal(TOO_LARGE, limit)


def read_kind(value: Any, path: Path) -> str:
    if not isinstance(value, str) or value not in KINDS:
        raise Refusal(BAD_VALUE, f"This must be one of {', '.join(sorted(KINDS))}.", path)
    return value


def read_label(value: Any, path: Path) -> str | None:
    """A text; None if it is absent or empty."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refusal(BAD_VALUE, "This must be a text.", path)
    return value


def read_message_id(value: Any, new_id: Callable[[], str]) -> str:
    """The event's own, or a new one: then nothing can recognise a duplicate of it."""
    message_id = (value if type(value) is str else read_text(value, ("messageId",))) or new_id()
    if len(message_id) > LONGEST_MESSAGE_ID:
        raise Refusal(BAD_VALUE, f"A message id has at most {LONGEST_MESSAGE_ID} characters.", ("messageId",))
    return message_id


def email_of(*traits: Mapping[str, Any]) -> str | None:
    """The first of several sets of traits that has an email decides."""
    for some in traits:
        email = some.get("email")
        if isinstance(email, str) and email.strip():
            return email
    return None
