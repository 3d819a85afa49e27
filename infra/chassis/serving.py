"""Running an app as a process: one way for all of them."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.chassis.memory import settle
from infra.chassis.observing import Observed
from infra.chassis.settings import Surroundings

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
_SHUTDOWN_SECONDS = 10
_BACKLOG = 2048
_LONGEST_HEAD = 512 * 1024
"""Bytes of a request before its body, and of what came together with their end."""


class PortTaken(Exception):
    """Something else listens there; the message says what to do."""


Closing = Callable[[], Awaitable[None]]


class BoundedHeads(HttpToolsProtocol):
    """HTTP of which the part before the body comes to an end: nobody has shown a key until then."""

    _head = 0
    _in_head = False

    def on_message_begin(self) -> None:
        self._head, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head, self._in_head = 0, False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        if self._head > _LONGEST_HEAD:
            self.send_400_response("The head of the request is too long.")
        else:
            super().data_received(data)


class _Starting:
    """An app of which a failure to start is kept for whoever runs it, instead of being logged with its traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed = False

        async def send_without_traceback(message: Message) -> None:
            nonlocal failed
            failed = message["type"] == "lifespan.startup.failed"
            await send({"type": message["type"]} if failed else message)

        try:
            await self._app(scope, receive, send_without_traceback)
        except Exception as error:
            if failed:
                self.failure = error
            raise


class _Server(uvicorn.Server):
    """Says when it is ready to answer, and ends in peace: being asked to stop is no reason to die of a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        closings: Sequence[Closing],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._closings = closings
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            settle()
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await super().shutdown(sockets)
        for close in self._closings:
            await close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal lets everything under way be finished; a second Ctrl+C does not wait for it."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def run(
    app: ASGIApp,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    closings: Sequence[Closing] = (),
    on_stopping: Callable[[], None] = lambda: None,
) -> bool:
    """Serves until SIGINT or SIGTERM, then finishes what is under way; whether it could start, and could finish.

    Port 0 takes a free one; `on_ready` is given the address; `closings` are called at the end, in the app's loop.
    `on_stopping` is called before anything is waited for: it ends what would go on for ever.
    Raises PortTaken, and what the app raises as it starts.
    """
    try:
        listener = socket.create_server((host, port), backlog=_BACKLOG, reuse_port=False)
    except OSError as error:
        raise PortTaken(f"Port {port} on {host} cannot be used ({error.strerror}); set PORT to another one.") from error
    bound_host, bound_port = listener.getsockname()[:2]
    observed = Observed(app, Surroundings().body_timeout.total_seconds())
    starting = _Starting(observed)
    config = uvicorn.Config(
        starting,
        http=BoundedHeads,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="on",
        ws_per_message_deflate=False,  # messages are short, and one is sent to many
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )

    def stop() -> None:
        observed.stopping = True
        on_stopping()

    server = _Server(config, lambda: on_ready(f"http://{bound_host}:{bound_port}"), closings, stop)
    with listener:
        try:
            server.run([listener])
        except SystemExit:  # how uvicorn ends when the app has not started
            if starting.failure is not None:
                raise starting.failure from None
            raise
    return server.started and not server.lifespan.shutdown_failed


def main(serve: Callable[[str, int, Callable[[str], None]], bool]) -> None:
    """The whole of a service's `__main__`: port from PORT, address on standard output, exit status 1 on failure."""

    def on_ready(address: str) -> None:
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()

    if not serve(DEFAULT_HOST, int(os.environ.get("PORT", DEFAULT_PORT)), on_ready):
        raise SystemExit(1)
