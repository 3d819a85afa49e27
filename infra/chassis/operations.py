"""What those who run a process may ask it: does it live, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from infra.chassis import request_ids
from infra.chassis.errors import Forbidden, Problem, Unauthenticated
from infra.chassis.http import JSONResponse, NamedRoute, problem_response
from infra.chassis.metrics import CONTENT_TYPE, exposition
from infra.chassis.settings import Surroundings
from infra.chassis.telemetry import named

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_BELIEVED_SECONDS = 1.0
_BY_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

Look = Callable[[], Awaitable[None]]
"""Raises what keeps a part from being there."""


class Readiness:
    """Which of the parts that a process cannot do without are not there.

    However many ask, one look is under way at a time, and that all is well is believed for a while: asking costs next
    to nothing, whoever does.
    """

    def __init__(self, believed_seconds: float = _BELIEVED_SECONDS) -> None:
        self._believed_seconds = believed_seconds
        self._looks: dict[str, Look] = {}
        self._others: list[Readiness] = []
        self._looking: asyncio.Task[list[str]] | None = None
        self._well_until = float("-inf")
        self._was_ready = False
        self._told: list[str] = []

    def needs(self, part: str, look: Look) -> None:
        self._looks[part] = look

    def needs_all_of(self, other: Readiness) -> None:
        """Also those parts that the other comes to need later."""
        self._others.append(other)

    async def missing(self) -> list[str]:
        """The names of those parts, sorted; none of them answered within two seconds."""
        if asyncio.get_running_loop().time() < self._well_until:
            return []
        if self._looking is None or self._looking.done():
            context = request_ids.outliving()
            self._looking = asyncio.create_task(self._look(), name="readiness", context=context)
        return await asyncio.shield(self._looking)

    async def _look(self) -> list[str]:
        looks = dict(self._all())
        answers = await asyncio.gather(*(self._is_missing(part, look) for part, look in looks.items()))
        missing = sorted(part for part, is_missing in zip(looks, answers, strict=True) if is_missing)
        self._told = missing
        if not missing:
            self._was_ready = True
            self._well_until = asyncio.get_running_loop().time() + self._believed_seconds
        return missing

    def _all(self) -> Iterator[tuple[str, Look]]:
        yield from self._looks.items()
        for other in self._others:
            yield from other._all()

    async def _is_missing(self, part: str, look: Look) -> bool:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await look()
        except Exception as error:
            if self._was_ready and part not in self._told:  # once, not as often as somebody asks
                _log.warning("a part does not answer", extra={"part": part} | named(error))
            return True
        return False


class OperatorRoutes:
    """The routes `/health/live`, `/health/ready` and `/metrics` of a process.

    Metrics are for whoever brings the token that was set. Without one, only a process of this machine is told, in
    development and not through a proxy: what is served to the world is not told to the world by mistake.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.readiness = Readiness()
        self._token = surroundings.metrics_token
        self._development = surroundings.environment == "development"
        self._refreshes: list[Callable[[], Awaitable[None]]] = []

    def before_metrics(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """`refresh` brings gauges up to date that nobody looks at in between. It raises nothing."""
        self._refreshes.append(refresh)

    def includes(self, other: OperatorRoutes) -> None:
        """Everything that another part of the same process needs and measures."""
        self.readiness.needs_all_of(other.readiness)
        self._refreshes += other._refreshes

    def routes(self) -> list[BaseRoute]:
        return [
            NamedRoute("/health/live", self._live),
            NamedRoute("/health/ready", self._ready),
            NamedRoute("/metrics", self._metrics),
        ]

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _ready(self, _request: Request) -> Response:
        missing = await self.readiness.missing()
        if not missing:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "not ready", "missing": missing}, 503, {"Retry-After": "1"})

    async def _metrics(self, request: Request) -> Response:
        try:
            self._admit(request)
        except Problem as problem:
            return problem_response(problem)
        for refresh in self._refreshes:
            await refresh()
        return Response(exposition(), media_type=CONTENT_TYPE)

    def _admit(self, request: Request) -> None:
        if self._token is not None:
            if not _brings(request, self._token):
                raise Unauthenticated("Metrics are for whoever brings KLANTREIS_METRICS_TOKEN as a Bearer token.")
        elif not (self._development and _is_from_here(request)):
            raise Forbidden("Set KLANTREIS_METRICS_TOKEN, and bring it as a Bearer token, to read metrics.")


def _brings(request: Request, token: SecretStr) -> bool:
    scheme, _, brought = request.headers.get("authorization", "").partition(" ")
    known = token.get_secret_value().encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(brought.strip().encode(), known)


def _is_from_here(request: Request) -> bool:
    """Whether a process of this machine asks, on its own behalf."""
    host = request.client.host if request.client else ""
    try:
        is_near = ip_address(host).is_loopback
    except ValueError:
        is_near = False
    return is_near and not any(name in request.headers for name in _BY_PROXY)
