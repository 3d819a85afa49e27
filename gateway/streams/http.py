"""Streams of answers over HTTP: Server-Sent Events (graphql-sse, distinct connections) and Apollo's multipart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from starlette.responses import Response
from strawberry.http.streaming import MultipartSubscriptionTransport, SSETransport

from gateway.operations import Refused
from gateway.streams.session import Session
from infra.chassis.http import EndlessResponse


@dataclass(frozen=True, slots=True)
class Streaming:
    """How streams are looked after."""

    sign_of_life_seconds: float = 10.0
    """Silence after which something is sent, so that nobody on the way takes the connection for dead."""
    key_look_seconds: float = 5.0
    """How often it is looked whether the key is still good."""
    init_seconds: float = 10.0
    """How long a WebSocket may wait with its connection_init."""


class Format(Protocol):
    """How answers are written; all of them are JSON already."""

    headers: Mapping[str, str]
    opening: str
    sign_of_life: str
    closing: str

    def answer(self, answer: str) -> str: ...

    def refusal(self, errors: list[dict[str, Any]]) -> str:
        """The end, if it comes by an error."""


class EventStream:
    """The protocol of graphql-sse. Lines end by a line feed alone: urql looks for nothing else."""

    headers: Mapping[str, str] = SSETransport.headers
    opening = ""
    sign_of_life = ": \n\n"
    closing = "event: complete\ndata: \n\n"

    @staticmethod
    def is_accepted(accept: str) -> bool:
        return "text/event-stream" in accept.lower()

    def answer(self, answer: str) -> str:
        return f"event: next\ndata: {answer}\n\n"

    def refusal(self, errors: list[dict[str, Any]]) -> str:
        return self.answer(_json({"errors": errors}))

    def of_one(self, answer: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
        """The whole stream of an operation with one answer."""
        return Response(self.answer(_json(answer)) + self.closing, headers={**self.headers, **(headers or {})})


class Multipart:
    """Apollo's protocol for subscriptions, `subscriptionSpec=1.0`."""

    _transport = MultipartSubscriptionTransport()
    headers: Mapping[str, str] = _transport.headers
    opening = f"--{_transport.separator}"
    sign_of_life = _transport.encode_multipart_data("{}", str)
    closing = "--\r\n"

    @staticmethod
    def is_accepted(accept: str) -> bool:
        plain = accept.lower().replace('"', "").replace(" ", "")
        return "multipart/mixed" in plain and "subscriptionspec=1.0" in plain

    def answer(self, answer: str) -> str:
        return self._transport.encode_multipart_data(f'{{"payload":{answer}}}', str)

    def refusal(self, errors: list[dict[str, Any]]) -> str:
        return self._transport.encode_multipart_data(_json({"payload": None, "errors": errors}), str)


def streamed(
    answers: AsyncGenerator[str, None], session: Session, format: Format, sign_of_life_seconds: float
) -> Response:
    return EndlessResponse(_stream(answers, session, format, sign_of_life_seconds), format.headers)


async def _stream(
    answers: AsyncGenerator[str, None], session: Session, format: Format, sign_of_life_seconds: float
) -> AsyncGenerator[str, None]:
    watching = asyncio.create_task(session.watch(), name="key watch")
    try:
        yield format.opening + format.sign_of_life
        async with aclosing(_or_silence(answers, sign_of_life_seconds)) as found:
            async for answer in found:
                yield format.sign_of_life if answer is None else format.answer(answer)
    except Refused as refused:
        yield format.refusal(refused.errors)
        yield format.closing
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def _or_silence(answers: AsyncGenerator[str, None], seconds: float) -> AsyncGenerator[str | None, None]:
    """The answers, and None whenever there is none for so long."""
    coming: asyncio.Task[str] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(answers))
            done, _ = await asyncio.wait([coming], timeout=seconds)
            if not done:
                yield None
                continue
            answer, coming = coming.result(), None
            yield answer
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait([coming])
        await answers.aclose()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
