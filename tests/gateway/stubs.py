"""Upstreams as small real apps that speak the internal interfaces and write down what they were asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import NotFound, Problem, Unauthenticated
from infra.chassis.http import problem_response

Answer = Callable[[dict[str, Any]], Any]


@dataclass
class Call:
    method: str
    path: str
    body: Any
    workspace: str


@dataclass
class Stub:
    """Answers each `METHOD path` with what `answers` makes of the body; a Problem there is answered as one."""

    audience: str
    tokens: ServiceTokens
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    away: bool = False
    in_vain: int = 0
    """How often it was asked something while it was away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if self.away:
            self.in_vain += 1
            return Response("no healthy upstream", 503)
        content = await request.body()
        path = request.scope["raw_path"].decode()
        body = msgspec.json.decode(content) if content else dict(request.query_params)
        try:
            token = request.headers["authorization"].removeprefix("Bearer ")
            workspace = self.tokens.verify(token, self.audience)
            self.calls.append(Call(request.method, path, body, workspace))
            answer = self.answers.get(f"{request.method} {path}")
            if answer is None:
                raise NotFound(f"The stub has no answer to {request.method} {path}.")
            return Response(msgspec.json.encode(answer(body)), media_type="application/json")
        except Problem as problem:
            return problem_response(problem)

    def paths(self) -> list[str]:
        return [call.path for call in self.calls if call.path != "/internal/authenticate"]

    def bodies(self, path: str) -> list[Any]:
        return [call.body for call in self.calls if call.path == path]


def page(items: list[Any], **more: Any) -> dict[str, Any]:
    cursors = [f"c{index}" for index in range(len(items))]
    ends = {"hasNextPage": False, "hasPreviousPage": False, "totalCount": None}
    return {"items": items, "cursors": cursors} | ends | more


def authenticate(keys: dict[str, dict[str, Any]]) -> Answer:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if body["credential"] not in keys:
            raise Unauthenticated("unknown")
        return keys[body["credential"]]

    return answer
