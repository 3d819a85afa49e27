"""Opening the body of a request: the events in it as byte ranges, each judged on its own later.

Sound JSON takes the fast way, through msgspec. Where msgspec refuses, a slower reader finds out whether the fault lies
inside single events (NaN, half a surrogate pair, great depth), which then are refused alone, or in the body. That can
take half a second for a body made to be slow, so it happens beside the event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from infra.chassis.errors import BadRequest, TooLarge
from services.events.intake.domain.objects import UNDECODABLE
from services.events.intake.domain.values import MAX_DEPTH, decode_leniently, is_plain
from services.events.intake.requests import MAX_BODY_BYTES

MAX_EVENTS = 2_500
MALFORMED_JSON = "MALFORMED_JSON"
BAD_BODY = "BAD_BODY"

_BLANKS = re.compile(r"[ \t\r\n]*")
_BRACKETS = re.compile(r'[\[{]+|[\]}]+|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A text that never ends is one token too: otherwise each quote inside it would be tried as another beginning."""
_AROUND_AN_EVENT = 2  # the body's object and its list
_AROUND_A_LISTED_EVENT = 1
_SHORTEST_KEY = 20
_MOST_MEMBERS = 1_000  # of a body that needs the slower reader


class Opened(NamedTuple):
    events: list[bytes]
    write_key: str | None
    sent_at: Any
    """As sent; None if absent."""
    context: bytes
    """An object for all events; empty if absent."""
    plain: bool = False
    """What values.is_plain says of every event."""


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[Raw]
    write_key: Any = None
    sent_at: Any = None
    context: dict[str, Raw] | None = None


class _Call(msgspec.Struct, rename="camel"):
    write_key: Any = None


_batches = msgspec.json.Decoder(_Batch)
_single_calls = msgspec.json.Decoder(_Call)
_lists = msgspec.json.Decoder(list[Raw])
_values = msgspec.json.Decoder(Raw)


async def open_batch(body: bytes) -> Opened:
    """A body `{"batch": [...], "writeKey", "sentAt", "context"}`.

    Raises BadRequest for a body that is not JSON or not of this form, TooLarge for too many events.
    """
    try:
        opened = _batches.decode(body)
    except UNDECODABLE:
        return await asyncio.to_thread(_open_batch_slowly, body)
    check_count(len(opened.batch))
    plain = is_plain(body, MAX_DEPTH + _AROUND_AN_EVENT)
    context = msgspec.json.encode(opened.context) if opened.context else b""
    check_spread(context, len(opened.batch))
    return Opened([bytes(event) for event in opened.batch], _text(opened.write_key), opened.sent_at, context, plain)


async def open_call(body: bytes) -> Opened:
    """A body that is one call itself. Raises BadRequest for one that is not JSON or not an object."""
    try:
        write_key = _single_calls.decode(body).write_key
    except UNDECODABLE:
        write_key = await asyncio.to_thread(_write_key_slowly, body)
    key = _text(write_key)
    return Opened([_without(body, key)], key, None, b"")


async def open_list(body: bytes) -> Opened:
    """A body that is a list of events. Raises BadRequest for one that is not, TooLarge for too many events."""
    try:
        events = [bytes(event) for event in _lists.decode(body)]
    except UNDECODABLE:
        return Opened(await asyncio.to_thread(_Reader(body).listed), None, None, b"")
    check_count(len(events))
    return Opened(events, None, None, b"", is_plain(body, MAX_DEPTH + _AROUND_A_LISTED_EVENT))


async def check_value(body: bytes) -> None:
    """Raises BadRequest for a body that is not one JSON value. What only spoils an event is found later."""
    try:
        _values.decode(body)
    except UNDECODABLE:
        await asyncio.to_thread(_Reader(body).check_value)


def _without(body: bytes, key: str | None) -> bytes:
    """The call without the key it was sent with: a refused one is kept as it is, and keys are kept nowhere."""
    looks_like_ours = key is not None and key.startswith(("wk_", "sk_")) and len(key) >= _SHORTEST_KEY
    return body.replace(key.encode(errors="surrogatepass"), b"") if key is not None and looks_like_ours else body


def check_count(events: int) -> None:
    if events > MAX_EVENTS:
        raise TooLarge(f"A batch may hold {MAX_EVENTS:,} events. This one holds more; nothing was stored.")


def check_spread(context: bytes, events: int) -> None:
    """The context of a batch is written with each of its events."""
    if len(context) * events > MAX_BODY_BYTES:
        raise TooLarge(
            f"The `context` of a batch counts for each of its events; together they would be over {MAX_BODY_BYTES:,}"
            " bytes. Nothing was stored."
        )


def _open_batch_slowly(body: bytes) -> Opened:
    members = _Reader(body).members(list_name="batch")
    batch, context = members.get("batch"), members.get("context")
    if batch is None or batch.items is None:
        raise BadRequest("A batch is an object with a list `batch`.", code=BAD_BODY)
    if context is not None and context.sent != b"null" and not isinstance(context.value, dict):
        raise BadRequest("The `context` of a batch is an object.", code=BAD_BODY)
    write_key, sent_at = (members[name].value if name in members else None for name in ("writeKey", "sentAt"))
    shared = context.sent if context and context.value else b""
    check_spread(shared, len(batch.items))
    return Opened(batch.items, _text(write_key), sent_at, shared)


def _write_key_slowly(body: bytes) -> Any:
    members = _Reader(body).members()
    return members["writeKey"].value if "writeKey" in members else None


class _Member(NamedTuple):
    value: Any
    """None if it is too deep to be looked into."""
    sent: bytes
    items: list[bytes] | None = None
    """If it is the list that was asked for."""


class _Reader:
    """Reads JSON of which single values may be such that msgspec refuses the whole. Linear in the body's length."""

    def __init__(self, body: bytes) -> None:
        # Bytes that are not UTF-8 become halves of surrogate pairs, which spoil only the event they stand in.
        self._text = body.decode(errors="surrogateescape")
        self._at = 0

    def members(self, list_name: str | None = None) -> dict[str, _Member]:
        """The members of the object that the body is. Raises BadRequest."""
        found: dict[str, _Member] = {}

        def member() -> None:
            start = self._at
            if len(found) >= _MOST_MEMBERS:
                raise BadRequest(f"A body has at most {_MOST_MEMBERS:,} members.", code=BAD_BODY)
            name = self._value()
            if not isinstance(name, str):
                raise self._malformed(start)
            self._expect(":")
            self._skip_blanks()
            if name == list_name and self._next_is("["):
                found[name] = _Member(None, b"", self._items())
            else:
                found[name] = _Member(*self._sent_value())

        self._skip_blanks()
        if not self._next_is("{"):
            self.check_value()
            raise BadRequest("The body must be a JSON object.", code=BAD_BODY)
        self._each("{", "}", member)
        self._expect_end()
        return found

    def listed(self) -> list[bytes]:
        """The items of the list that the body is. Raises BadRequest."""
        self._skip_blanks()
        if not self._next_is("["):
            self.check_value()
            raise BadRequest("The body must be a JSON array.", code=BAD_BODY)
        items = self._items()
        self._expect_end()
        return items

    def check_value(self) -> None:
        """Raises BadRequest if the body is not one JSON value."""
        self._skip_blanks()
        self._value()
        self._expect_end()

    def _items(self) -> list[bytes]:
        items: list[bytes] = []

        def item() -> None:
            items.append(self._sent_value()[1])
            check_count(len(items))

        self._each("[", "]", item)
        return items

    def _each(self, opening: str, closing: str, read: Callable[[], None]) -> None:
        """Reads the parts of an object or a list, which begins here, one by one."""
        self._expect(opening)
        self._skip_blanks()
        if self._next_is(closing):
            self._at += 1
            return
        while True:
            self._skip_blanks()
            read()
            self._skip_blanks()
            if self._next_is(closing):
                self._at += 1
                return
            self._expect(",")

    def _sent_value(self) -> tuple[Any, bytes]:
        start = self._at
        value = self._value()
        return value, self._text[start : self._at].encode(errors="surrogateescape")

    def _value(self) -> Any:
        try:
            value, self._at = decode_leniently(self._text, self._at)
        except RecursionError:
            self._skip_deep()
            return None
        except ValueError as error:
            raise self._malformed(getattr(error, "pos", self._at)) from None
        return value

    def _skip_deep(self) -> None:
        """To the end of a value that is too deep to decode: of its syntax only brackets and texts are looked at."""
        depth = 0
        for token in _BRACKETS.finditer(self._text, self._at):
            if token[0][0] in "[{":
                depth += len(token[0])
            elif token[0][0] in "]}":
                if depth <= len(token[0]):
                    self._at = token.start() + depth
                    return
                depth -= len(token[0])
        raise self._malformed(len(self._text))

    def _skip_blanks(self) -> None:
        self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing too

    def _next_is(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _expect(self, character: str) -> None:
        self._skip_blanks()
        if not self._next_is(character):
            raise self._malformed(self._at)
        self._at += 1

    def _expect_end(self) -> None:
        self._skip_blanks()
        if self._at != len(self._text):
            raise self._malformed(self._at)

    def _malformed(self, at: int) -> BadRequest:
        before = len(self._text[:at].encode(errors="surrogateescape"))
        return BadRequest(f"The body is not sound JSON: see byte {before}.", code=MALFORMED_JSON)


def _text(write_key: Any) -> str | None:
    return write_key if isinstance(write_key, str) else None
