from __future__ import annotations

import strawberry

from gateway.areas.workspace.types import Workspace, to_workspace
from gateway.context import Info
from gateway.permissions import WritesSources, resolved
from gateway.scalars import JSON


@strawberry.type
class WorkspaceMutations:
    @resolved(WritesSources, description="Replaces the settings as a whole: an object of at most 32 KiB.")
    async def save_settings(self, info: Info, settings: JSON) -> Workspace:
        return to_workspace(await info.context.events.save_settings(settings))
