"""A client that costs next to nothing: requests encoded beforehand, written to a few sockets one after the other.

It shares the machine with what it measures, so it does not parse answers beyond where they end and what they say.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from services.events.intake.position import START, Place

_LENGTH = b"content-length: "
_POSITION = b"klantreis-position: "
_HEAD_END = b"\r\n\r\n"


class Sent(NamedTuple):
    seconds: float
    cpu_seconds: float
    """Of this process: of the client itself."""
    last: Place
    """Behind everything that was sent."""
    waits: list[float]
    """Seconds from each request to its answer."""


class Answer(NamedTuple):
    head: bytes
    body: bytes

    @property
    def place(self) -> Place:
        return Place.parse(_value(self.head, _POSITION).decode())


def encode_requests(address: str, path: str, key: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Whole HTTP requests with the write key as Basic credentials."""
    authorization = base64.b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\nAuthorization: Basic {authorization}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    return [b"".join((head, str(len(body)).encode(), _HEAD_END, body)) for body in bodies]


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, address: str) -> Connection:
        host, _, port = urlsplit(address).netloc.partition(":")
        _transport, connection = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return connection

    async def exchange(self, request: bytes) -> Answer:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    async def ask(self, request: bytes) -> Answer:
        """Raises RuntimeError unless every event of the request was accepted."""
        answer = await self.exchange(request)
        if not (answer.head.startswith(b"HTTP/1.1 200") and answer.body.endswith(b'"results":[]}')):
            raise RuntimeError(f"not accepted: {answer}")
        return answer

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = bytes(self._received).partition(_HEAD_END)
        if not end or len(body) < int(_value(head, _LENGTH)):
            return
        self._received.clear()
        assert self._answer is not None
        self._answer.set_result(Answer(head, body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed by the server"))


def _value(head: bytes, name: bytes) -> bytes:
    start = head.lower().index(name) + len(name)
    return head[start:].split(b"\r\n", 1)[0]


async def send_all(address: str, requests: Sequence[bytes], connections: int) -> Sent:
    """Sends everything as fast as the answers come."""
    open_connections = [await Connection.open(address) for _ in range(connections)]
    waiting = iter(requests)
    start, cpu = time.perf_counter(), time.process_time()
    waits: list[float] = []
    places = await asyncio.gather(*(_send(connection, waiting, waits) for connection in open_connections))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    for connection in open_connections:
        connection.close()
    return Sent(seconds, cpu_seconds, max(places), waits)


async def _send(connection: Connection, waiting: Iterator[bytes], waits: list[float]) -> Place:
    answer = None
    for request in waiting:
        asked = time.perf_counter()
        answer = await connection.ask(request)
        waits.append(time.perf_counter() - asked)
    return answer.place if answer else START
