"""Reading a body from the wire: how much of it is kept, and clients that leave."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from starlette.requests import Request
from starlette.types import Message

from infra.chassis.errors import BadRequest, TooLarge
from services.events.intake.requests import MAX_BODY_BYTES, read_sent

MIB = 1 << 20


class Wire:
    """Delivers chunks, then the end of the body or of the connection."""

    def __init__(self, chunks: Iterable[bytes], *, ends: bool = True) -> None:
        self._chunks = iter(chunks)
        self._ends = ends
        self.read = 0

    async def receive(self) -> Message:
        chunk = next(self._chunks, None)
        if chunk is not None:
            self.read += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": True}
        return {"type": "http.request", "body": b""} if self._ends else {"type": "http.disconnect"}

    @property
    def request(self) -> Request:
        return Request({"type": "http", "headers": []}, self.receive)


async def test_a_body_in_pieces() -> None:
    assert await read_sent(Wire([b"ab", b"", b"c"]).request) == b"abc"
    assert await read_sent(Wire([]).request) == b""


async def test_what_is_too_large_is_read_to_its_end_but_not_kept() -> None:
    wire = Wire([b"x" * MIB] * 8)
    with pytest.raises(TooLarge):
        await read_sent(wire.request)
    assert wire.read == 8 * MIB > MAX_BODY_BYTES


async def test_but_not_without_end() -> None:
    wire = Wire(iter(lambda: b"x" * MIB, None))
    with pytest.raises(TooLarge):
        await read_sent(wire.request)
    assert wire.read == 65 * MIB


async def test_a_client_that_leaves() -> None:
    with pytest.raises(BadRequest) as caught:
        await read_sent(Wire([b'{"userId":'], ends=False).request)
    assert caught.value.code == "INCOMPLETE_BODY"
