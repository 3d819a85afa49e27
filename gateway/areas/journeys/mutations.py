from __future__ import annotations

import strawberry

from gateway.areas.journeys.inputs import JourneyInput
from gateway.areas.journeys.types import Journey, to_journey
from gateway.areas.payloads import UserError, refusals, user_errors
from gateway.clients.journeys import Saved
from gateway.context import Info
from gateway.permissions import WritesModels, resolved
from gateway.scalars import DateTime
from gateway.vocabulary import Language
from gateway.wire import given, to_wire
from infra.chassis.errors import Problem


@strawberry.type
class JourneyPayload:
    journey: Journey | None
    errors: list[UserError]
    warnings: list[UserError]


@strawberry.type
class PublishJourneyPayload:
    journey: Journey | None
    pending: bool = strawberry.field(description="Whether events still has to take the version over.")
    errors: list[UserError]


@strawberry.type
class JourneyMutations:
    @resolved(WritesModels, description="Replaces the draft as a whole; `baseRevision` guards against lost updates.")
    async def save_journey(self, info: Info, input: JourneyInput) -> JourneyPayload:
        try:
            saved = await info.context.journeys.save(input.key, to_wire(input))
        except Problem as problem:
            return JourneyPayload(journey=None, errors=refusals(problem), warnings=[])
        return _payload(saved)

    @resolved(WritesModels, description="The first draft of a new journey, as the template lays it out.")
    async def create_journey_from_template(
        self, info: Info, template: str, key: str, name: str, language: Language | None = Language.EN
    ) -> JourneyPayload:
        try:
            saved = await info.context.journeys.create_from_template(template, key, name, language or Language.EN)
        except Problem as problem:
            return JourneyPayload(journey=None, errors=refusals(problem), warnings=[])
        return _payload(saved)

    @resolved(WritesModels, description="Puts the draft in force, from now or from an earlier moment on.")
    async def publish_journey(
        self, info: Info, key: str, effective_from: DateTime | None = strawberry.UNSET
    ) -> PublishJourneyPayload:
        try:
            published = await info.context.journeys.publish(key, given(effective_from))
        except Problem as problem:
            return PublishJourneyPayload(journey=None, pending=False, errors=refusals(problem))
        return PublishJourneyPayload(journey=to_journey(published.journey), pending=published.pending, errors=[])


def _payload(saved: Saved) -> JourneyPayload:
    return JourneyPayload(journey=to_journey(saved.journey), errors=[], warnings=user_errors(saved.warnings or ()))
