"""A running platform, as the demo speaks to it: the public routes and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp
import msgspec

from infra.chassis.errors import BadRequest, Problem, Unavailable
from infra.chassis.upstream import OverHttp, Upstream

Json = dict[str, Any]
_SECONDS = 60.0
_HEARTBEAT_SECONDS = 20.0
_AWAY = frozenset({"UNAVAILABLE", "UPSTREAM_UNAVAILABLE"})  # as a gateway says of services behind it
_encode = msgspec.json.encode


class Subscription(NamedTuple):
    query: str
    variables: Json


class Platform:
    """To be closed. All raise Problem: what the platform refuses, or Unavailable while it does not answer."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._http = Upstream("Klantreis", OverHttp(url))

    async def close(self) -> None:
        await self._http.close()

    async def is_ready(self) -> bool:
        """Whether somebody answers at the address and says that all is well."""
        try:
            await self._http.call("GET", "/health/ready", token="", within=2.0)
        except Unavailable:
            return False
        return True

    async def graphql(self, query: str, /, **variables: Any) -> Json:
        """The data of an answer without errors, those that mutations refuse with included."""
        body = {"query": query, "variables": variables}
        answer = await self._http.call("POST", "/graphql", token=self._key, body=body, within=_SECONDS)
        errors = answer.get("errors") or [error for payload in answer["data"].values() for error in _refusals(payload)]
        if errors:
            raise _problem_of(errors[0])
        data: Json = answer["data"]
        return data

    async def load(self, source: str, calls: Sequence[Json]) -> int:
        """History of a source; how many of the calls are refused."""
        return await self._send("/v1/history", calls, self._key, {"source": source})

    async def record(self, key: str, calls: Sequence[Json]) -> int:
        """What happens now, with the write key of its source; how many of the calls are refused."""
        return await self._send("/v1/batch", calls, key)

    async def _send(self, path: str, calls: Sequence[Json], key: str, query: Mapping[str, str] | None = None) -> int:
        body = {"batch": calls}
        answer = await self._http.call("POST", path, token=key, body=body, query=query, within=_SECONDS)
        return len(answer.get("results", ()))

    async def follow(self, subscriptions: Mapping[str, Subscription]) -> AsyncGenerator[tuple[str, Json], None]:
        """What subscriptions tell, each by its name, over one WebSocket (graphql-transport-ws)."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(
                    f"{self.url}/graphql", protocols=("graphql-transport-ws",), heartbeat=_HEARTBEAT_SECONDS
                ) as socket,
            ):
                await _say(socket, type="connection_init", payload={"Authorization": f"Bearer {self._key}"})
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:  # the wire broke: a machine slept, say
                        break
                    heard = msgspec.json.decode(message.data)
                    match heard["type"]:
                        case "connection_ack":
                            for name, (query, variables) in subscriptions.items():
                                payload = {"query": query, "variables": variables}
                                await _say(socket, id=name, type="subscribe", payload=payload)
                        case "next":
                            yield heard["id"], heard["payload"].get("data") or {}
                        case "ping":
                            await _say(socket, type="pong")
                        case "error":
                            raise Unavailable(f"The subscription ended: {heard['payload'][0]['message']}")
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{self.url} does not answer any more.") from error
        raise Unavailable(f"{self.url} has closed the subscription.")


def _refusals(payload: Any) -> list[Json]:
    return payload.get("errors", []) if isinstance(payload, dict) else []


def _problem_of(error: Json) -> Problem:
    code = error.get("extensions", error).get("code")
    return (Unavailable if code in _AWAY else BadRequest)(error["message"])


async def _say(socket: aiohttp.ClientWebSocketResponse, **message: Any) -> None:
    await socket.send_str(_encode(message).decode())
