"""A road to the platform on which answers get lost: a proxy that does harm to chosen requests, one after the other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

import httpx

from infra.chassis.errors import Unavailable
from infra.chassis.http import problem_response

Mishap = Literal["refused", "lost", "twice", "fine"]
"""`refused`: 503, as when the log is away. `lost`: it arrived, but nobody hears so. `twice`: it arrives two times."""

_NOT_FORWARDED = {"connection", "content-length"}


@dataclass
class Road:
    """Where clients send to, and what became of each request."""

    url: str
    target: str
    coming: list[Mishap]
    done: list[tuple[Mishap, int]] = field(default_factory=list)
    """What was done, and the status that the client or nobody heard."""
    encodings: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    """What was posted to."""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_mishap(self) -> Mishap:
        with self.lock:
            return self.coming.pop(0) if self.coming else "fine"

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
        return self.client.request(method, self.target + path, content=body, headers=headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    road: Road

    def do_GET(self) -> None:
        """Nothing happens to what browsers ask before they send."""
        answer = self.road.pass_on(self.command, self.path, self._headers)
        self._answer(answer.status_code, dict(answer.headers), answer.content)

    do_OPTIONS = do_GET

    def do_POST(self) -> None:
        road = self.road
        body = self.rfile.read(int(self.headers["Content-Length"]))
        road.encodings.add(self.headers.get("Content-Encoding", ""))
        road.paths.add(urlsplit(self.path).path)
        mishap = road.next_mishap()
        if mishap == "refused":
            away = problem_response(Unavailable("The log cannot be written now; try again."))
            road.done.append((mishap, away.status_code))
            self._answer(away.status_code, dict(away.headers) | self._for_pages, bytes(away.body))
            return
        for _ in range(2 if mishap == "twice" else 1):
            answer = road.pass_on("POST", self.path, self._headers, body)
        road.done.append((mishap, answer.status_code))
        if mishap == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(answer.status_code, dict(answer.headers), answer.content)

    @property
    def _headers(self) -> dict[str, str]:
        """Its host among them, so that the platform knows where it was found."""
        return {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}

    @property
    def _for_pages(self) -> dict[str, str]:
        """What the platform says with all of its answers, so that pages may read them."""
        origin = self.headers.get("Origin")
        return {} if origin is None else {"Access-Control-Allow-Origin": origin}

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
