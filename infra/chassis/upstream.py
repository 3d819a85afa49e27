"""Calls from one service to another: JSON in, JSON out, problem documents raised again, complete timeouts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import aiohttp
import httpx
import msgspec
from starlette.types import ASGIApp

from infra.chassis import request_ids
from infra.chassis.errors import Flaw, Problem, Unavailable
from infra.chassis.metrics import CALLS

_CONNECTIONS = 16
_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_PROBE_SECONDS = 2.0
_LOST = (aiohttp.ClientError, httpx.HTTPError, OSError)  # a TimeoutError is an OSError
_encode = msgspec.json.encode


class Call(NamedTuple):
    """`within`: how many seconds the upstream may be silent."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] | None = None
    content: bytes | None = None
    within: float = _ANSWER_SECONDS


class Answer(NamedTuple):
    status: int
    body: bytes
    etag: str = ""

    @property
    def is_success(self) -> bool:
        return self.status // 100 == 2


class Carrier(Protocol):
    """Takes calls to one upstream."""

    async def ask(self, call: Call) -> Answer:
        """Raises OSError, or what its client raises, if there is no answer."""
        ...

    async def close(self) -> None: ...


class OverHttp:
    """To an address, over at most so many connections (None: no limit)."""

    def __init__(self, base_url: str, *, connections: int | None = _CONNECTIONS) -> None:
        self._base_url = base_url.rstrip("/")
        self._connections = connections or 0
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, call: Call) -> Answer:
        async with self.request(call) as response:
            return await _read(response)

    def request(self, call: Call) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:  # it wants a running loop
            connector = aiohttp.TCPConnector(limit=self._connections)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session.request(
            call.method,
            f"{self._base_url}{call.path}",
            headers=call.headers,
            params=call.query,
            data=call.content,
            allow_redirects=False,
            # Whoever waits for one of few connections does not wait for the network: it has as long as for an answer.
            timeout=aiohttp.ClientTimeout(
                connect=_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=call.within
            ),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class InProcess:
    """To an app of this process, asked for at the first call since apps may need each other. There are no timeouts."""

    def __init__(self, app: Callable[[], ASGIApp]) -> None:
        self._app = app
        self._transport: httpx.ASGITransport | None = None

    async def ask(self, call: Call) -> Answer:
        if self._transport is None:
            self._transport = httpx.ASGITransport(self._app(), raise_app_exceptions=False)
        url = httpx.URL(f"http://in-process{call.path}", params=call.query)
        request = httpx.Request(call.method, url, headers=call.headers, content=call.content)
        response = await self._transport.handle_async_request(request)
        return Answer(response.status_code, await response.aread(), response.headers.get("ETag", ""))

    async def close(self) -> None:
        """Whoever made the app closes it."""


class Fetched(NamedTuple):
    body: Any
    etag: str


class Upstream:
    """One service."""

    def __init__(self, name: str, carrier: Carrier) -> None:
        self.name = name
        self._carrier = carrier

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Any:
        """The decoded answer, for which the service has so many seconds (5 unless told).

        Raises the upstream's own Problem, or Unavailable when it does not answer.
        """
        headers = _headers(token)
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = _encode(body)
        return self._decoded(await self._ask(Call(method, path, headers, query, content, within or _ANSWER_SECONDS)))

    async def fetch(self, path: str, *, token: str, etag: str | None = None) -> Fetched | None:
        """What stands at `path`, or None if it is still what `etag` names. Raises as `call` does."""
        headers = _headers(token)
        if etag:
            headers["If-None-Match"] = etag
        answer = await self._ask(Call("GET", path, headers))
        if answer.status == httpx.codes.NOT_MODIFIED:
            return None
        return Fetched(self._decoded(answer), answer.etag)

    async def probe(self) -> None:
        """Raises Unavailable unless the service says that it is ready."""
        answer = await self._ask(Call("GET", "/health/ready", {}, within=_PROBE_SECONDS))
        if not answer.is_success:
            raise _problem_of(self.name, answer)

    async def close(self) -> None:
        await self._carrier.close()

    async def _ask(self, call: Call) -> Answer:
        began = perf_counter()
        outcome = "not waited for"
        try:
            answer = await self._carrier.ask(call)
            outcome = f"{answer.status // 100}xx"
        except _LOST as error:
            outcome = "away"
            raise _away(self.name) from error
        finally:
            CALLS.labels(self.name, outcome).observe(perf_counter() - began)
        return answer

    def _decoded(self, answer: Answer) -> Any:
        if not answer.is_success:
            raise _problem_of(self.name, answer)
        try:
            return msgspec.json.decode(answer.body) if answer.body else None
        except msgspec.DecodeError as error:
            raise _unreadable(self.name) from error


class EndlessUpstream:
    """One service that answers line by line, for as long as it is listened to."""

    def __init__(self, name: str, http: OverHttp) -> None:
        self._name = name
        self._http = http

    async def lines(
        self, path: str, *, token: str, query: Mapping[str, str] | None = None, silence: float
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an answer, as they come. Raises as `Upstream.call` does, and when it is silent for so long."""
        rest = b""
        try:
            async with self._http.request(Call("GET", path, _headers(token), query, within=silence)) as response:
                if not response.ok:
                    raise _problem_of(self._name, await _read(response))
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except _LOST as error:
            raise _away(self._name) from error

    async def close(self) -> None:
        await self._http.close()


def _headers(token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    if (request_id := request_ids.current()) is not None:
        headers[request_ids.HEADER] = request_id
    return headers


async def _read(response: aiohttp.ClientResponse) -> Answer:
    return Answer(response.status, await response.read(), response.headers.get("ETag", ""))


def _away(name: str) -> Unavailable:
    return Unavailable(f"The {name} service does not answer.", code="UPSTREAM_UNAVAILABLE")


def _unreadable(name: str) -> Unavailable:
    return Unavailable(f"The {name} service gave an answer nobody understands.", code="UPSTREAM_UNAVAILABLE")


def _problem_of(name: str, answer: Answer) -> Problem:
    if answer.status >= 500:
        return Unavailable(f"The {name} service cannot answer now.", code="UPSTREAM_UNAVAILABLE")
    try:
        document = msgspec.json.decode(answer.body)
        flaws = tuple(
            Flaw(item["code"], item["message"], tuple(item.get("path", ())), item.get("line"), item.get("column"))
            for item in document.get("errors", ())
        )
        problem = Problem(document["message"], code=document["code"], errors=flaws)
    except (msgspec.DecodeError, KeyError, TypeError):
        return _unreadable(name)
    problem.status = answer.status
    return problem
