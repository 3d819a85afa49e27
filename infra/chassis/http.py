"""HTTP on both sides: apps that answer every failure as a problem document, clients with complete timeouts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import httpx
import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from httpx_aiohttp import AiohttpTransport
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Send

from infra.chassis.errors import Flaw, Invalid, NotFound, Problem, Unavailable

_log = logging.getLogger(__name__)
_TIMEOUT = httpx.Timeout(5.0, connect=1.0, pool=1.0)
_CONNECTIONS = 16  # larger pools make httpx slower
_SEND_SECONDS = 30.0
_encode = msgspec.json.encode


class JSONResponse(Response):
    """JSON written by msgspec: fast, and dataclasses, structs and moments need no detour."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


class EndlessResponse(StreamingResponse):
    """What an asynchronous generator yields, which is closed however this ends.

    A client that takes nothing for half a minute is let go.
    """

    def __init__(self, content: AsyncGenerator[bytes | str, None], headers: Mapping[str, str]) -> None:
        super().__init__(content, headers=headers)
        self._content = content

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        async with aclosing(self._content):
            with contextlib.suppress(TimeoutError):
                await super().stream_response(send_in_time)


def problem_response(problem: Problem) -> Response:
    return Response(_encode(problem.as_json()), problem.status, problem.headers(), "application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Every failure of `app`, foreseen or not, leaves as application/problem+json; none shows its inside."""

    @app.exception_handler(Problem)
    async def on_problem(_request: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def on_validation(_request: Request, error: RequestValidationError) -> Response:
        flaws = [Flaw("INVALID_VALUE", _told(item["msg"]), _place(item["loc"])) for item in error.errors()]
        return problem_response(Invalid("The request does not have the right shape.", errors=flaws))

    @app.exception_handler(HTTPException)
    async def on_http(_request: Request, error: HTTPException) -> Response:
        problem: Problem = NotFound(f"There is nothing here: {error.detail}")
        if error.status_code != NotFound.status:
            problem = Problem(str(error.detail), code=f"HTTP_{error.status_code}")
            problem.status = error.status_code
        return problem_response(problem)

    @app.exception_handler(Exception)
    async def on_anything_else(request: Request, error: Exception) -> Response:
        _log.exception("unexpected failure", extra={"path": request.url.path}, exc_info=error)
        return problem_response(Problem("Something went wrong on our side; it has been logged."))


def _place(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Into the document or the parameters that were sent, not into the HTTP request around them."""
    return tuple(str(part) for part in (location[1:] if location[0] in {"body", "query"} else location))


def _told(message: str) -> str:
    """What pydantic says, without the kind of exception that a check of ours raised."""
    return message.removeprefix("Value error, ")


def add_health(app: FastAPI) -> None:
    """`GET /health/live`: the process answers. No key is needed and nothing is told."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app.router.add_route("/health/live", live, methods=["GET"])


def open_client(
    base_url: str, app: Callable[[], ASGIApp] | None = None, *, connections: int | None = _CONNECTIONS
) -> httpx.AsyncClient:
    """A client of one upstream: over at most so many sockets (None: no limit), or straight into an app of this process.

    `app` is asked for at the first call, since apps of one process may need clients of each other.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    transport: httpx.AsyncBaseTransport = AiohttpTransport(limits=limits) if app is None else _InProcess(app)
    return httpx.AsyncClient(base_url=base_url, transport=transport, timeout=_TIMEOUT)


class _InProcess(httpx.AsyncBaseTransport):
    def __init__(self, app: Callable[[], ASGIApp]) -> None:
        self._app = app
        self._transport: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._transport is None:
            self._transport = httpx.ASGITransport(self._app(), raise_app_exceptions=False)
        return await self._transport.handle_async_request(request)


class Fetched(NamedTuple):
    body: Any
    etag: str


class Upstream:
    """Calls to one service: JSON in, JSON out, its problem documents raised again here as problems."""

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._client = client

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Any:
        """The decoded answer, `within` so many seconds (5 unless told).

        Raises the upstream's own Problem, or Unavailable when it does not answer.
        """
        headers = {"Authorization": f"Bearer {token}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = _encode(body)
        extra: dict[str, Any] = {} if within is None else {"timeout": httpx.Timeout(within, connect=1.0, pool=1.0)}
        return self._decoded(await self._send(method, path, content=content, headers=headers, params=query, **extra))

    async def fetch(self, path: str, *, token: str, etag: str | None = None) -> Fetched | None:
        """What stands at `path`, or None if it is still what `etag` names. Raises as `call` does."""
        headers = {"Authorization": f"Bearer {token}"} | ({"If-None-Match": etag} if etag else {})
        response = await self._send("GET", path, headers=headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return Fetched(self._decoded(response), response.headers.get("ETag", ""))

    async def lines(
        self, path: str, *, token: str, query: Mapping[str, str] | None = None, silence: float
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an answer, as they come, without a limit in time. Not for apps of this process.

        Raises as `call` does; Unavailable, too, when nothing comes for `silence` seconds.
        """
        headers, timeout = {"Authorization": f"Bearer {token}"}, httpx.Timeout(5.0, read=silence)
        rest = b""
        try:
            async with self._client.stream("GET", path, headers=headers, params=query, timeout=timeout) as response:
                if not response.is_success:
                    await response.aread()
                    raise _problem_of(self.name, response)
                async for chunk in response.aiter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except (httpx.HTTPError, OSError) as error:
            raise self._away() from error

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except (httpx.HTTPError, OSError) as error:
            raise self._away() from error

    def _away(self) -> Unavailable:
        return Unavailable(f"The {self.name} service does not answer.", code="UPSTREAM_UNAVAILABLE")

    def _decoded(self, response: httpx.Response) -> Any:
        if response.is_success:
            return msgspec.json.decode(response.content) if response.content else None
        raise _problem_of(self.name, response)


def _problem_of(name: str, response: httpx.Response) -> Problem:
    if response.status_code >= 500:
        return Unavailable(f"The {name} service cannot answer now.", code="UPSTREAM_UNAVAILABLE")
    try:
        document = msgspec.json.decode(response.content)
        flaws = tuple(
            Flaw(item["code"], item["message"], tuple(item.get("path", ())), item.get("line"), item.get("column"))
            for item in document.get("errors", ())
        )
        problem = Problem(document["message"], code=document["code"], errors=flaws)
    except (msgspec.DecodeError, KeyError, TypeError):
        return Unavailable(f"The {name} service gave an answer nobody understands.", code="UPSTREAM_UNAVAILABLE")
    problem.status = response.status_code
    return problem
