"""Saying that something was published: whoever hears it says what they have, and nobody waits for those who do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from infra.chassis.auth import ServiceTokens
from infra.chassis.upstream import Answer, Call, Upstream
from infra.chassis.versioned.notices import ChangeNotice

TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
PATH = "/internal/models/refresh"


class Events:
    """A service that pulls, as a test wants it."""

    def __init__(self, ask: Callable[[Call], Awaitable[Answer]]) -> None:
        self.ask = ask

    async def close(self) -> None:
        """Nothing was opened."""


async def test_what_is_there_by_now_is_acknowledged() -> None:
    asked: list[tuple[str, str, str]] = []

    async def answer(call: Call) -> Answer:
        token = call.headers["Authorization"].removeprefix("Bearer ")
        asked.append((call.method, call.path, TOKENS.verify(token, "events")))
        return Answer(200, b'{"versions": {"order": 2}}')

    notice = ChangeNotice(Upstream("events", Events(answer)), TOKENS, PATH)
    assert await notice.give("acme") == {"order": 2}
    assert asked == [("POST", PATH, "acme")]


@pytest.mark.parametrize("said", [b"not json", b'{"versions": 3}', b'{"versions": {"order": "one"}}', b""])
async def test_a_service_that_makes_no_sense_has_acknowledged_nothing(said: bytes) -> None:
    async def babble(_call: Call) -> Answer:
        return Answer(200, said)

    assert await ChangeNotice(Upstream("events", Events(babble)), TOKENS, PATH).give("default") == {}


async def test_a_service_that_hangs_is_not_waited_for() -> None:
    async def hang(_call: Call) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("nobody wakes it")

    notice = ChangeNotice(Upstream("events", Events(hang)), TOKENS, PATH, within=0.01)
    assert await notice.give("default") == {}


async def test_without_a_service_nobody_acknowledges() -> None:
    assert await ChangeNotice(None, TOKENS, PATH).give("default") == {}
