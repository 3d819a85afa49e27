"""Personas as frontends read them."""

from __future__ import annotations

import strawberry

from gateway.areas.evidence import Evidence
from gateway.areas.shown import all_shown, shown
from gateway.clients import personas as documents
from gateway.context import Info
from gateway.permissions import resolved
from gateway.relay import Node, model_id
from gateway.vocabulary import ModelStatus, Rung


@strawberry.type
class PersonaItem:
    text: str
    evidence: list[Evidence]
    rung: Rung = strawberry.field(description="The highest rung of its own evidence; without any an assumption.")


@strawberry.type
class ChannelPreference:
    channel: str
    weight: float = strawberry.field(description="From 0, never there, to 1; each channel is weighed by itself.")


@strawberry.type(description="A semi-fictional profile of a group of customers, with the evidence behind it.")
class Persona(Node):
    key: str
    version: int | None = strawberry.field(description="Null for a draft.")
    revision: int
    status: ModelStatus
    name: str
    narrative: str | None
    portrait: str | None
    goals: list[PersonaItem]
    real_goal: PersonaItem | None = strawberry.field(description="What lies deeper than the reason for contact.")
    drives: list[PersonaItem]
    challenges: list[PersonaItem]
    responsibilities: list[PersonaItem]
    pains: list[PersonaItem]
    delights: list[PersonaItem]
    situations: list[PersonaItem]
    media_preferences: list[ChannelPreference]
    matches: str | None = strawberry.field(description="A rule over a customer that tells who is meant.")
    evidence: list[Evidence]
    confidence: Rung = strawberry.field(
        description="The highest rung that all it claims reaches, by its own evidence or by that of the persona."
    )

    @resolved(description="All versions, newest first, the draft included.")
    async def versions(self, info: Info) -> list[Persona]:
        return [to_persona(item) for item in await info.context.loaders.versions_by_persona.load(self.key) or ()]


def to_persona(document: documents.Persona) -> Persona:
    members = {name: getattr(document, name) for name in document.__struct_fields__}
    members |= {name: all_shown(members[name], PersonaItem) for name in documents.ITEM_LISTS}
    members |= {
        "real_goal": shown(document.real_goal, PersonaItem) if document.real_goal else None,
        "media_preferences": all_shown(document.media_preferences, ChannelPreference),
        "evidence": all_shown(document.evidence, Evidence),
    }
    return Persona(id=model_id("Persona", document.key, document.version), **members)
