from __future__ import annotations

import strawberry

from gateway.areas.sources.types import Source, to_source
from gateway.context import Info
from gateway.permissions import WritesSources, resolved


@strawberry.type
class SourceQueries:
    @resolved(WritesSources, description="All of the workspace, by key.")
    async def sources(self, info: Info) -> list[Source]:
        return [to_source(source) for source in await info.context.events.sources()]
