"""Following a feed: pages as they come, woken by notices of the projector."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import asyncpg
import msgspec

from infra.chassis.notices import Bell, Channel, heard

PROGRESS_CHANNEL = "klantreis_progress"
"""On PostgreSQL projectors ring here after each step."""
MOST = 1_000
FeedName = Literal["changes", "events"]

_PAGE = 200
_SIGN_OF_LIFE_SECONDS = 10.0
_LOOKS_AFTER_A_NOTICE = (0.005, 0.02, 0.1)
"""Seconds between looks: a row can be read only when no older transaction is running any more, which rings no bell."""
_IDLE_SECONDS = 1.0  # the safety net under missed notices


class FeedPage(msgspec.Struct):
    """Some consecutive items of a feed."""

    items: Sequence[Any]
    customers: Mapping[str, Sequence[str]]
    """For each customer that an item names, all ids that this customer has, or had before a merge."""
    next: str
    """The position where the next page goes on."""


class Feed(Protocol):
    """Items of a workspace that have positions, in an order in which nothing is ever put before what was read."""

    async def end(self, workspace: str) -> str:
        """The position behind all that there is now."""

    async def read(self, workspace: str, after: str | None, first: int) -> FeedPage:
        """The next items behind a position, or the oldest there are; `next` stays where it is if there are none.

        Raises BadRequest (BAD_POSITION, POSITION_TOO_OLD).
        """


class Feeds:
    """The feeds of a process, read and followed."""

    def __init__(self, feeds: Mapping[FeedName, Feed], bell: Bell, channel: Channel | None) -> None:
        """`channel` rings the bell for projectors of other processes; it is closed by `close`."""
        self._feeds = feeds
        self._bell = bell
        self._channel = channel
        self._ending = False

    async def read(self, feed: FeedName, workspace: str, after: str | None, first: int) -> FeedPage:
        return await self._feeds[feed].read(workspace, after, first)

    async def follow(self, feed: FeedName, workspace: str, after: str | None) -> AsyncGenerator[FeedPage, None]:
        """All items behind a position, or (None) those to come, until `end`. The first page comes at once.

        Now and then a page without items shows that somebody is still there. Raises as `Feed.read` does.
        """
        source, clock = self._feeds[feed], asyncio.get_running_loop().time
        if after is None:
            page = FeedPage([], {}, await source.end(workspace))
        else:
            page = await source.read(workspace, after, _PAGE)
        yield page
        position, told_at = page.next, clock()
        looks: Iterator[float] = iter(())
        while not self._ending:
            rung = self._bell.next()
            await self._listen()
            page = await source.read(workspace, position, _PAGE)
            if page.next != position or clock() - told_at >= _SIGN_OF_LIFE_SECONDS:
                yield page
                position, told_at = page.next, clock()
            elif await heard(rung, next(looks, _IDLE_SECONDS)):
                looks = iter(_LOOKS_AFTER_A_NOTICE)

    def end(self) -> None:
        """Lets everybody who follows a feed come to an end: this process is about to stop."""
        self._ending = True
        self._bell.ring()

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def _listen(self) -> None:
        """While the server does not let us listen, feeds are looked at now and then."""
        if self._channel is not None:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._channel.ensure()
