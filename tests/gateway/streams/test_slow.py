"""A client that stops reading, over a real socket: it is let go, and nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import msgspec

from gateway.streams.subscriber import Patience
from tests.gateway.documents import event
from tests.gateway.feeds import told
from tests.gateway.harness import gateway
from tests.gateway.served import served
from tests.gateway.streams.clients import first_of, sse_answers

QUERY = 'subscription { eventRecorded(after: "p00000") { name } }'
_LARGE = "x" * 100_000


async def test_a_client_that_stops_reading_is_let_go_and_the_others_hear_everything() -> None:
    patience = Patience(queue=16, room_seconds=0.02, seconds=0.2)
    async with gateway(patience=patience) as api, served(api.app) as address:
        api.events.answers["POST /internal/events/read"] = lambda body: {
            "events": [event(id, name=f"{id} {_LARGE}") for id in body["ids"]]
        }
        api.feeds.add("events", told("first"))
        others = [sse_answers(f"http://{address}/graphql/stream", QUERY) for _ in range(3)]
        for other in others:
            await anext(other)
        with closing(await _stopped_reading(address)) as slow:
            hearing = [asyncio.create_task(first_of(other, 400)) for other in others]
            for number in range(100):
                api.feeds.add("events", *(told(f"{number}-{index}") for index in range(4)))
                await asyncio.sleep(0)
            heard = await asyncio.wait_for(asyncio.gather(*hearing), 60)
            names = [[one["data"]["eventRecorded"]["name"].split()[0] for one in some] for some in heard]
            assert names == [[f"{number}-{index}" for number in range(100) for index in range(4)]] * 3
            rest = await asyncio.wait_for(asyncio.to_thread(_rest, slow), 30)
        assert b'"code":"TOO_SLOW"' in rest[-1_000:]
        assert b"event: complete" in rest[-100:]


async def _stopped_reading(address: str) -> socket.socket:
    """A client that has heard the first event, and then reads no more."""
    host, port = address.split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    body = msgspec.json.encode({"query": QUERY})
    request = (
        f"POST /graphql/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer sk_all\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    await asyncio.to_thread(client.connect, (host, int(port)))
    client.sendall(request.encode() + body)
    heard = b""
    while b"event: next" not in heard:
        heard += await asyncio.to_thread(client.recv, 1_024)
    return client


def _rest(client: socket.socket) -> bytes:
    """All that is left until the server closes."""
    read = b""
    while some := client.recv(65_536):
        read += some
    return read
