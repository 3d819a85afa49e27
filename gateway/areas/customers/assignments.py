"""Who customers are thought to be."""

from __future__ import annotations

import strawberry

from gateway.areas.customers.explanations import Explanation, to_explanation
from gateway.areas.personas.types import Persona, to_persona
from gateway.clients import customers as documents
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.loaders import CustomerLoaders
from gateway.permissions import ReadsModels, resolved


@strawberry.type(description="Who a customer is thought to be: the published persona whose rule is true of them.")
class PersonaAssignment:
    persona_key: str
    version: int
    fit: float = strawberry.field(
        description="One divided by the number of personas whose rules are true; of several the first by key is told."
    )
    because: list[Explanation] = strawberry.field(
        description="A reason for each persona whose rule is true, that of the one told first. "
        "Its events, the newest 20, are those that the rule has counted or seen."
    )

    @resolved(ReadsModels, description="The version that was assigned.")
    async def persona(self, info: Info) -> Persona | None:
        found = await info.context.loaders.persona_by_key.load(ModelKey(self.persona_key, self.version))
        return to_persona(found) if found else None


def to_assignment(document: documents.Assignment, loaders: CustomerLoaders) -> PersonaAssignment:
    return PersonaAssignment(
        persona_key=document.persona,
        version=document.version,
        fit=document.fit,
        because=[to_explanation(one, loaders) for one in document.because or ()],
    )
