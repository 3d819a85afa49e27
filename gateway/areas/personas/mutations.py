from __future__ import annotations

import strawberry

from gateway.areas.payloads import UserError, refusals
from gateway.areas.personas.inputs import PersonaInput
from gateway.areas.personas.types import Persona, to_persona
from gateway.context import Info
from gateway.permissions import WritesModels, resolved
from gateway.wire import to_wire
from infra.chassis.errors import Problem


@strawberry.type
class PersonaPayload:
    persona: Persona | None
    pending: bool = strawberry.field(description="Whether events still has to take a published version over.")
    errors: list[UserError]


@strawberry.type
class PersonaMutations:
    @resolved(WritesModels, description="Replaces the draft as a whole; `baseRevision` guards against lost updates.")
    async def save_persona(self, info: Info, input: PersonaInput) -> PersonaPayload:
        try:
            saved = await info.context.personas.save(input.key, to_wire(input))
        except Problem as problem:
            return PersonaPayload(persona=None, pending=False, errors=refusals(problem))
        return PersonaPayload(persona=to_persona(saved), pending=False, errors=[])

    @resolved(WritesModels, description="Makes a version of the draft, in place of the one before.")
    async def publish_persona(self, info: Info, key: str) -> PersonaPayload:
        try:
            published = await info.context.personas.publish(key)
        except Problem as problem:
            return PersonaPayload(persona=None, pending=False, errors=refusals(problem))
        return PersonaPayload(persona=to_persona(published.persona), pending=published.pending, errors=[])
