"""The paths of intake, answered before the app around it, and what browsers must hear to let pages use them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.chassis.errors import Problem
from infra.chassis.http import ROUTE, problem_response, route_of
from infra.chassis.request_ids import HEADER as REQUEST_ID_HEADER
from services.events.intake.metrics import REFUSED

Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)
POSITION_HEADER = "Klantreis-Position"
_PREFLIGHT_KEPT_SECONDS = 7_200  # browsers remember no longer


class Entrance(NamedTuple):
    """What stands at a path."""

    method: str
    endpoint: Endpoint
    for_pages: bool = True
    """Whether pages of other origins may call it."""
    template: str | None = None
    """Its path as it is written, where that has places that callers fill."""


class MethodNotAllowed(Problem):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"

    def __init__(self, method: str) -> None:
        super().__init__(f"This is asked for by {method}.")
        self._method = method

    def headers(self) -> dict[str, str]:
        return {"Allow": self._method}


class FrontDoor:
    """Answers the paths of intake itself, before the app around it, and never redirects.

    Looking up a path in a dictionary instead of walking through middleware and route patterns saves a tenth of what
    an event costs in a batch of a hundred.
    """

    def __init__(self, app: ASGIApp, entrance_at: Callable[[str], Entrance | None]) -> None:
        self._app = app
        self._entrance_at = entrance_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entrance = self._entrance_at(scope["path"]) if scope["type"] == "http" else None
        if entrance is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = entrance.template or scope["path"].rstrip("/")
        request = Request(scope, receive)
        response = await _answer(entrance, request)
        if entrance.for_pages and (origin := request.headers.get("Origin")) is not None:
            _let_read(response, origin)
        await response(scope, receive, send)


async def _answer(entrance: Entrance, request: Request) -> Response:
    try:
        if request.method == entrance.method:
            return await entrance.endpoint(request)
        if request.method == "OPTIONS" and entrance.for_pages:
            return _preflight(entrance, request)
        raise MethodNotAllowed(entrance.method)
    except Problem as problem:
        REFUSED.labels(problem.code).inc()
        return problem_response(problem)
    except Exception:
        _log.exception("unexpected failure", extra={"route": route_of(request.scope)})
        return problem_response(Problem("Something went wrong on our side; it has been logged."))


def _preflight(entrance: Entrance, request: Request) -> Response:
    """Whoever asks may ask. Each library has headers of its own, also for retries, so those asked for are allowed."""
    headers = {
        "Allow": f"{entrance.method}, OPTIONS",
        "Access-Control-Allow-Methods": entrance.method,
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "Authorization"),
        "Access-Control-Max-Age": str(_PREFLIGHT_KEPT_SECONDS),
        "Vary": "Access-Control-Request-Headers",
    }
    return Response(status_code=204, headers=headers)


def _let_read(response: Response, origin: str) -> None:
    """Lets the page read the answer, refusals too. Credentials are allowed because `sendBeacon` always brings them;
    none of them means anything here, so every origin may be let in. Keys decide whose events are taken.
    """
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Allow-Credentials"] = "true"
    headers["Access-Control-Expose-Headers"] = f"Retry-After, {POSITION_HEADER}, {REQUEST_ID_HEADER}"
    headers.add_vary_header("Origin")
