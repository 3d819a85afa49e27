"""Rows on their way to a running platform: in large compressed batches, again and again until it answers."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import aiohttp
import msgspec

from infra.chassis.upstream import Answer, Call, OverHttp
from infra.local.history.failures import SendingFailed
from infra.local.history.plan import Item

_MOST_EVENTS = 2_500
_MOST_BYTES = 4_000_000  # of the 4 MiB that a body may have
_SECONDS = 60.0
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
_AGAIN = frozenset({429, 502, 503, 504})


class Parcel(NamedTuple):
    """What is sent at once."""

    items: Sequence[Item]
    source: str | None
    body: bytes


class Window(NamedTuple):
    """Consecutive rows of a file, packed."""

    parcels: Sequence[Parcel]
    last: int
    """The number of the last row."""


class Rejection(NamedTuple):
    line: int
    code: str
    message: str


def packed(items: Iterable[Item], source: str | None) -> Iterator[Window]:
    """Items in parcels; those of several sources go apart. `source` overrides what the file says."""
    window: list[Item] = []
    size = 0
    for item in items:
        if window and (len(window) >= _MOST_EVENTS or size + len(item.body) > _MOST_BYTES):
            yield Window(_parcels(window, source), window[-1].number)
            window, size = [], 0
        window.append(item)
        size += len(item.body) + 1
    if window:
        yield Window(_parcels(window, source), window[-1].number)


def _parcels(items: Sequence[Item], source: str | None) -> list[Parcel]:
    by_source: dict[str | None, list[Item]] = {}
    for item in items:
        by_source.setdefault(source or item.source, []).append(item)
    return [
        Parcel(some, named, gzip.compress(b'{"batch":[' + b",".join(item.body for item in some) + b"]}", 1))
        for named, some in by_source.items()
    ]


class _Refused(msgspec.Struct):
    index: int
    code: str
    message: str
    path: list[str]


class _Taken(msgspec.Struct):
    results: list[_Refused]


class Platform:
    """A running platform, spoken to with a secret key. Use with `async with`."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._http = OverHttp(url)
        self._headers = {"Authorization": f"Bearer {key}"}

    async def __aenter__(self) -> Platform:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def send(self, parcels: Iterable[Parcel]) -> list[Rejection]:
        """What is refused of them; the rest is on disk. Raises SendingFailed."""
        refused = [one for parcel in parcels for one in await self._send(parcel)]
        return sorted(refused, key=lambda one: one.line)

    async def _send(self, parcel: Parcel) -> list[Rejection]:
        headers = self._headers | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        query = None if parcel.source is None else {"source": parcel.source}
        answer = await self._ask(Call("POST", "/v1/history", headers, query, parcel.body, _SECONDS))
        try:
            refused = msgspec.json.decode(answer.body, type=_Taken).results
        except msgspec.DecodeError as error:
            raise SendingFailed(said(answer)) from error
        return [rejection(parcel.items[one.index], one.code, one.message, one.path) for one in refused]

    async def _ask(self, call: Call) -> Answer:
        for pause in (*_PAUSES, None):
            try:
                answer = await self._http.ask(call)
            except (aiohttp.ClientError, OSError) as error:
                reason = f"{self._url} does not answer ({type(error).__name__})"
            else:
                if answer.is_success:
                    return answer
                reason = said(answer)
                if answer.status not in _AGAIN:
                    break
            if pause is not None:
                await asyncio.sleep(pause)
        raise SendingFailed(reason)


def said(answer: Answer) -> str:
    """What is wrong, in the words of the platform."""
    try:
        message: str = msgspec.json.decode(answer.body)["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {answer.status}, and nothing is said of why. Is this the address of Klantreis?"
    return message


def rejection(item: Item, code: str, message: str, path: Iterable[str]) -> Rejection:
    """Of what is refused, unless it is known already why nothing can be made of it."""
    if item.flaw is not None:
        return Rejection(item.line, "UNUSABLE", item.flaw)
    where = ".".join(path)
    return Rejection(item.line, code, f"{where}: {message}" if where else message)
