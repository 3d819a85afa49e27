"""The internal routes of feeds: a page, or pages for as long as somebody listens (NDJSON, one page a line)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from fastapi import Depends
from pydantic import Field

from infra.chassis.http import EndlessResponse, JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.feeds.feed import MOST, FeedName, FeedPage, Feeds
from services.events.schemas import Body, Text

_encode = msgspec.json.encode


class FeedBody(Body):
    after: Text | None = None
    first: Annotated[int, Field(strict=True, ge=0, le=MOST)] = 100


def router(feeds: Feeds, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/feeds", tags=["feeds"])

    @routes.post("/{feed}/read")
    async def read_feed(
        feed: FeedName, body: FeedBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[FeedPage]:
        """The next items behind a position, or the oldest there are."""
        return JSONResponse(await feeds.read(feed, workspace, body.after, body.first))

    @routes.get("/{feed}")
    async def follow_feed(
        feed: FeedName, workspace: str = Depends(workspace_of), after: Text | None = None
    ) -> EndlessResponse:
        """All items behind a position, or those to come. Ends when this process does."""
        pages = feeds.follow(feed, workspace, after)
        first = await anext(pages)  # what is wrong with the position is said before anything is sent
        return EndlessResponse(_lines(first, pages), {"Content-Type": "application/x-ndjson"})

    return routes


async def _lines(first: FeedPage, pages: AsyncGenerator[FeedPage, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pages):
        yield _encode(first) + b"\n"
        async for page in pages:
            yield _encode(page) + b"\n"
