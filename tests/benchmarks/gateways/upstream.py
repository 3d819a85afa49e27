"""Stands in for the services: what they answered once it answers again, for next to nothing, to who asks the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.chassis import serving


class Repeater:
    """Asks `/{service}/...` of that service, the first time."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self._clients = {name: httpx.AsyncClient(base_url=address, timeout=30) for name, address in services.items()}
        self._answers: dict[tuple[str, str, bytes], tuple[int, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = (request.method, request.url.path, await request.body())
        if key not in self._answers:
            _, service, path = request.url.path.split("/", 2)
            method, _, content = key
            headers = {"authorization": request.headers["authorization"], "content-type": "application/json"}
            answer = await self._clients[service].request(method, f"/{path}", content=content, headers=headers)
            self._answers[key] = (answer.status_code, answer.content)
        status, content = self._answers[key]
        await Response(content, status, media_type="application/json")(scope, receive, send)


def serve(services: Mapping[str, str], host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await repeater(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    repeater = Repeater(services)
    return serving.run(app, host, port, on_ready)
