from __future__ import annotations

import strawberry

from gateway.areas.workspace.types import Workspace, to_workspace
from gateway.context import Info
from gateway.permissions import ReadsModels, resolved


@strawberry.type
class WorkspaceQueries:
    @resolved(ReadsModels, description="The one that the key belongs to.")
    async def workspace(self, info: Info) -> Workspace:
        return to_workspace(await info.context.events.workspace())
