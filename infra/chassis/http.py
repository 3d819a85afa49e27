"""HTTP as it is served: apps that answer every failure as a problem document."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match, Route
from starlette.types import Message, Scope, Send

from infra.chassis import request_ids
from infra.chassis.errors import Flaw, Invalid, NotFound, Problem

_log = logging.getLogger(__name__)
_SEND_SECONDS = 30.0
_NO_ROUTE = "none"
TOLD = "klantreis.told"
"""In a scope: the failure that has been answered and logged already."""
ROUTE = "klantreis.route"
"""In a scope: the path as it is written, from those who answer without Starlette's routes."""
_encode = msgspec.json.encode

T = TypeVar("T")


class JSONResponse(Response, Generic[T]):
    """JSON written by msgspec: fast, and dataclasses, structs and moments need no detour."""

    media_type = "application/json"

    def __init__(self, content: T, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        return _encode(content)


class NamedRoute(Route):
    """A route that can be told from others by those around the app. Inside FastAPI only its own routes can."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return match, {**child_scope, ROUTE: self.path}


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


def route_of(scope: Scope) -> str:
    """The path of the route that answers, as it is written: what callers put into its places is not in it."""
    template = scope.get(ROUTE) or getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else _NO_ROUTE


def problem_response(problem: Problem) -> Response:
    document = problem.as_json()
    if (request_id := request_ids.current()) is not None:
        document["requestId"] = request_id
    return Response(_encode(document), problem.status, problem.headers(), "application/problem+json")


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
        if isinstance(error.__cause__, Problem):  # FastAPI hides what went wrong while it read the body
            return problem_response(error.__cause__)
        problem: Problem = NotFound(f"There is nothing here: {error.detail}")
        if error.status_code != NotFound.status:
            problem = Problem(str(error.detail), code=f"HTTP_{error.status_code}")
            problem.status = error.status_code
        return problem_response(problem)

    @app.exception_handler(Exception)
    async def on_anything_else(request: Request, error: Exception) -> Response:
        request.scope[TOLD] = error  # Starlette raises it again
        _log.exception("unexpected failure", extra={"route": route_of(request.scope)}, exc_info=error)
        return problem_response(Problem("Something went wrong on our side; it has been logged."))


def _place(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Into the document or the parameters that were sent, not into the HTTP request around them."""
    return tuple(str(part) for part in (location[1:] if location[0] in {"body", "query"} else location))


def _told(message: str) -> str:
    """What pydantic says, without the kind of exception that a check of ours raised."""
    return message.removeprefix("Value error, ")
