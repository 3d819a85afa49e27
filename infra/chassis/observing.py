"""What every request of a process goes through first: it gets its id, is measured, and may not come in for ever."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.chassis import request_ids
from infra.chassis.errors import RequestTimeout
from infra.chassis.http import TOLD, route_of
from infra.chassis.metrics import REQUESTS

_measured = lru_cache(maxsize=1_024)(REQUESTS.labels)  # which takes a lock and makes texts of what it is given


class Observed:
    """An app with everything around it that all processes do alike.

    `body_seconds` is how long a body may take to come. Once it is `stopping`, each connection is closed behind its next
    answer: one that was made at that very moment would otherwise be kept alive, and be waited for.
    """

    def __init__(self, app: ASGIApp, body_seconds: float) -> None:
        self._app = app
        self._body_seconds = body_seconds
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        id = request_ids.begin(scope["headers"])
        if scope["type"] == "http":
            receive, send = _in_time(receive, self._body_seconds), self._measuring(scope, send, id)
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope.get(TOLD) is not error:
                raise

    def _measuring(self, scope: Scope, send: Send, id: str) -> Send:
        began = perf_counter()

        async def send_measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"x-request-id", id.encode())]
                if self.stopping:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
                _measured(route_of(scope), message["status"]).observe(perf_counter() - began)
            await send(message)

        return send_measured


def _in_time(receive: Receive, seconds: float) -> Receive:
    """Raises RequestTimeout when a body is not complete by then. Afterwards one may wait for the client to leave."""
    deadline: float | None = None
    complete = False

    async def receive_in_time() -> Message:
        nonlocal deadline, complete
        if complete:
            return await receive()
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise RequestTimeout(f"The body was not complete within {seconds:g} s.") from error
        complete = not message.get("more_body", False)
        return message

    return receive_in_time
