"""A road to the platform on which answers get lost: a proxy that does harm to chosen requests, one after the other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from infra.chassis.errors import Unavailable
from infra.chassis.http import problem_response

Mishap = Literal["refused", "lost", "twice", "fine"]
"""`refused`: 503, as when the log is away. `lost`: it arrived, but nobody hears so. `twice`: it arrives two times."""

_NOT_FORWARDED = {"host", "connection", "content-length"}


@dataclass
class Road:
    """Where clients send to, and what became of each request."""

    url: str
    target: str
    coming: list[Mishap]
    done: list[tuple[Mishap, int]] = field(default_factory=list)
    """What was done, and the status that the client or nobody heard."""
    encodings: set[str] = field(default_factory=set)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_mishap(self) -> Mishap:
        with self.lock:
            return self.coming.pop(0) if self.coming else "fine"

    def pass_on(self, path: str, headers: dict[str, str], body: bytes, times: int) -> httpx.Response:
        for _ in range(times):
            answer = self.client.post(self.target + path, content=body, headers=headers)
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    road: Road

    def do_POST(self) -> None:
        road = self.road
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}
        road.encodings.add(self.headers.get("Content-Encoding", ""))
        mishap = road.next_mishap()
        if mishap == "refused":
            away = problem_response(Unavailable("The log cannot be written now; try again."))
            road.done.append((mishap, away.status_code))
            self._answer(away.status_code, dict(away.headers), bytes(away.body))
            return
        answer = road.pass_on(self.path, headers, body, 2 if mishap == "twice" else 1)
        road.done.append((mishap, answer.status_code))
        if mishap == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(answer.status_code, dict(answer.headers), answer.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `Road.done` tells."""


@contextmanager
def bad_weather(target: str, *mishaps: Mishap) -> Iterator[Road]:
    """A road to `target` that does these to the first requests, and then none."""
    road = Road("", target, list(mishaps))
    handler = type("Handler", (_Handler,), {"road": road})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        road.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield road
        finally:
            server.shutdown()
            thread.join()
            road.client.close()
