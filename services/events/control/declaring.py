"""What a source may be declared as, and what becomes of its keys when a new one is made. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.chassis.errors import Conflict, Flaw, Forbidden, Invalid, NotFound
from services.events.control.domain import EVENTS_WRITE, KeyKind, Source, Trust
from services.events.timeline.domain import Microseconds

KINDS = ("website", "app", "shop", "crm", "call_centre", "store", "mail", "api")
WEBHOOK_KINDS = (
    "shopify",
    "woocommerce",
    "adobe_commerce",
    "hubspot",
    "salesforce",
    "zendesk",
    "pipedrive",
    "intercom",
    "typeform",
    "delighted",
    "standard",
    "generic",
)
GRACE: Microseconds = 24 * 3_600 * 1_000_000
"""How long a key lives on beside the one that takes its place."""
_MOST_ACTIVE = 2
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_LONGEST_NAME = 200
_LONGEST_CHANNEL = 64
_MOST_ORIGINS = 100


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a source as its owner may see it again: never the key itself."""

    id: str
    source: str
    prefix: str
    kind: KeyKind
    scopes: frozenset[str]
    created_at: Microseconds
    expires_at: Microseconds | None

    def is_active(self, now: Microseconds) -> bool:
        return self.expires_at is None or now < self.expires_at


def check_source(source: Source) -> None:
    """Raises Invalid with all that is wrong with it."""
    flaws: list[Flaw] = []
    if not _KEY.fullmatch(source.key):
        flaws.append(_flaw("A key has at most 64 of a-z, 0-9, _ and -; it begins with a letter or digit.", "key"))
    if not source.name.strip() or len(source.name) > _LONGEST_NAME:
        flaws.append(_flaw(f"A name has between 1 and {_LONGEST_NAME} characters.", "name"))
    if source.kind not in KINDS and source.kind not in WEBHOOK_KINDS:
        flaws.append(_flaw(f"This must be one of {', '.join((*KINDS, *WEBHOOK_KINDS))}.", "kind"))
    channel = source.default_channel
    if channel is not None and not 0 < len(channel) <= _LONGEST_CHANNEL:
        flaws.append(_flaw(f"A channel has between 1 and {_LONGEST_CHANNEL} characters.", "defaultChannel"))
    if len(source.origins) > _MOST_ORIGINS:
        flaws.append(_flaw(f"A source lists at most {_MOST_ORIGINS} origins.", "origins"))
    for index, origin in enumerate(source.origins):
        if not _is_origin(origin):
            message = "An origin is written as browsers send it: `https://shop.example` or `http://localhost:3000`."
            flaws.append(_flaw(message, "origins", str(index)))
    if flaws:
        raise Invalid(flaws[0].message, code=flaws[0].code, errors=flaws)


def first_key_of(source: Source) -> tuple[KeyKind, frozenset[str]]:
    """What the first key of a source is like: whoever vouches for customers needs a secret. Neither can but record."""
    kind = KeyKind.SECRET if source.trust is Trust.VERIFIED else KeyKind.WRITE
    return kind, frozenset({EVENTS_WRITE})


def to_be_replaced(keys: Sequence[Key], asker: Collection[str], now: Microseconds) -> Key | None:
    """Which of a source's keys, in the order they were made, a new one is made after; None if none is active.

    Raises Conflict if two are active already, because none of them may die unasked, and Forbidden if the key may do
    more than the one who asks, who would see the new one.
    """
    active = [key for key in keys if key.is_active(now)]
    if len(active) >= _MOST_ACTIVE:
        raise Conflict("Two keys of this source are active; revoke one of them first.", code="TWO_KEYS_ACTIVE")
    if not active:
        return None
    [key] = active
    more = key.scopes.difference(asker)
    if more:
        raise Forbidden(f"This key of the source may do more than yours: {', '.join(sorted(more))}.")
    return key


def unknown_source(key: str) -> NotFound:
    return NotFound(f"There is no source {key!r} in this workspace.", code="UNKNOWN_SOURCE")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not parts.hostname or not text.isascii():
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return text == f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def _flaw(message: str, *path: str) -> Flaw:
    return Flaw("BAD_VALUE", message, path)
