from __future__ import annotations

import strawberry

from gateway.areas.personas.types import Persona, to_persona
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.permissions import ReadsModels, resolved
from gateway.relay import CountedConnection, counted_connection, page_size
from gateway.vocabulary import ModelStatus
from gateway.wire import given


@strawberry.type
class PersonaQueries:
    @resolved(ReadsModels, description="Without a version the published one, else the draft.")
    async def persona(
        self, info: Info, key: str, version: int | None = strawberry.UNSET, draft: bool | None = False
    ) -> Persona | None:
        wanted = ModelKey(key, given(version), bool(draft))
        document = await info.context.loaders.persona_by_key.load(wanted)
        return to_persona(document) if document else None

    @resolved(ReadsModels, description="By key, each as its published version, else as its draft; so is `status`.")
    async def personas(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        status: ModelStatus | None = strawberry.UNSET,
    ) -> CountedConnection[Persona]:
        page = await info.context.personas.page(page_size(first, 20), given(after), given(status))
        return counted_connection(page, to_persona)
