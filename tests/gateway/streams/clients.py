"""Real clients of the three transports, and one that says exactly what a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import httpx
import httpx_sse
import msgspec
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Json = dict[str, Any]
SECONDS = 10


@asynccontextmanager
async def gql_session(url: str, key: str = "sk_all") -> AsyncIterator[AsyncClientSession]:
    """The GraphQL client of Python, over WebSocket."""
    transport = WebsocketsTransport(url, init_payload={"Authorization": f"Bearer {key}"})
    async with Client(transport=transport) as session:
        yield session


async def gql_answers(
    session: AsyncClientSession, query: str, variables: Json | None = None
) -> AsyncGenerator[Json, None]:
    request = GraphQLRequest(query, variable_values=variables)
    async with aclosing(session.subscribe(request, get_execution_result=True)) as answers:
        async for answer in answers:
            yield {"data": answer.data, "extensions": answer.extensions}


async def sse_answers(url: str, query: str, *, key: str = "sk_all", **rest: Any) -> AsyncGenerator[Json, None]:
    """What a client of graphql-sse gets until `complete`."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(timeout=6 * SECONDS) as client,
        httpx_sse.aconnect_sse(client, "POST", url, json={"query": query, **rest}, headers=headers) as source,
    ):
        async for event in source.aiter_sse():
            if event.event == "complete":
                return
            assert event.event == "next"
            yield event.json()


async def multipart_answers(url: str, query: str, *, key: str = "sk_all", **rest: Any) -> AsyncGenerator[Json, None]:
    """The parts that Apollo's client gets, heartbeats left out."""
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
    }
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(6 * SECONDS)) as client,
        client.post(url, json={"query": query, **rest}, headers=headers) as response,
    ):
        assert response.content_type == "multipart/mixed"
        parts = aiohttp.MultipartReader.from_response(response)
        while (part := await parts.next()) is not None:
            assert isinstance(part, aiohttp.BodyPartReader)
            answer = await part.json()
            if answer:
                yield answer


class Socket:
    """Speaks graphql-transport-ws word by word."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def say(self, **message: Any) -> None:
        await self._connection.send(msgspec.json.encode(message).decode())

    async def say_text(self, text: str | bytes) -> None:
        await self._connection.send(text)

    async def init(self, key: str = "sk_all") -> None:
        await self.say(type="connection_init", payload={"Authorization": f"Bearer {key}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, id: str, query: str, **rest: Any) -> None:
        await self.say(id=id, type="subscribe", payload={"query": query, **rest})

    async def hear(self) -> Json:
        heard: Json = msgspec.json.decode(await asyncio.wait_for(self._connection.recv(), SECONDS))
        return heard

    async def closed(self) -> tuple[int, str]:
        """With which code and reason the server closes, whatever it says before."""
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason


@asynccontextmanager
async def socket(
    url: str, *, subprotocol: str | None = "graphql-transport-ws", origin: str | None = None
) -> AsyncIterator[Socket]:
    subprotocols = [Subprotocol(subprotocol)] if subprotocol else None
    headers = {} if origin is None else {"Origin": origin}
    async with connect(url, subprotocols=subprotocols, additional_headers=headers, compression=None) as connection:
        yield Socket(connection)


async def first_of(answers: AsyncGenerator[Json, None], count: int) -> list[Json]:
    """The first so many, after which the client goes away."""
    found: list[Json] = []
    async with asyncio.timeout(SECONDS), aclosing(answers):
        async for answer in answers:
            found.append(answer)
            if len(found) == count:
                break
    return found
