"""Journey models as frontends read them."""

from __future__ import annotations

import strawberry

from gateway.areas.evidence import Evidence
from gateway.areas.insights.inputs import InsightFilter, selection_of
from gateway.areas.insights.types import Insights, to_insights
from gateway.areas.periods import PeriodInput
from gateway.areas.personas.types import Persona, to_persona
from gateway.areas.shown import all_shown, shown
from gateway.clients import journeys as documents
from gateway.clients.events import InsightsReading
from gateway.clients.models import ModelKey
from gateway.context import Info
from gateway.permissions import ReadsInsights, ReadsModels, resolved
from gateway.relay import Node, model_id
from gateway.scalars import JSON, DateTime, Duration, Position
from gateway.vocabulary import DropOffReason, Language, ModelStatus, Reentry, Rung
from gateway.wire import given


@strawberry.type
class LaneItem:
    lane: str
    text: str
    evidence: list[Evidence]
    rung: Rung


@strawberry.type
class Touchpoint:
    key: str
    name: str
    channel: str
    owner: str | None = strawberry.field(permission_classes=[ReadsModels])
    recognised_by: str = strawberry.field(permission_classes=[ReadsModels])
    claimed_emotion: float | None = strawberry.field(permission_classes=[ReadsModels])
    moment_of_truth: bool
    lanes: list[LaneItem] = strawberry.field(permission_classes=[ReadsModels])


@strawberry.type
class Means:
    key: str
    name: str
    channel: str | None
    personas: list[str]
    content: JSON | None


@strawberry.type
class OutsideFigure:
    name: str
    value: float
    unit: str | None
    source: str
    date: DateTime


@strawberry.type
class Phase:
    key: str
    name: str
    customer_goal: str | None
    expectation: str | None
    mandatory: bool
    patience: Duration | None
    touchpoints: list[Touchpoint]
    means: list[Means]
    lanes: list[LaneItem] = strawberry.field(permission_classes=[ReadsModels])
    outside_figures: list[OutsideFigure] = strawberry.field(permission_classes=[ReadsModels])


@strawberry.type
class DropOffRule:
    reason: DropOffReason
    when: str


@strawberry.type
class Hypothesis:
    key: str
    statement: str
    measure: str
    claim: float


@strawberry.type(description="A map to begin with. `journey` is a JourneyInput: change it and save it.")
class JourneyTemplate:
    key: str
    name: str
    description: str
    language: Language
    journey: JSON


@strawberry.type
class Journey(Node):
    key: str
    version: int | None
    revision: int
    status: ModelStatus
    persona_keys: strawberry.Private[list[str]]
    name: str
    customer_goal: str | None
    effective_from: DateTime | None
    effective_until: DateTime | None
    phases: list[Phase]
    hypotheses: list[Hypothesis]
    starts_when: str | None
    goal: str | None
    cancelled_when: str | None
    returned_when: str | None
    paused_when: str | None
    resumed_when: str | None
    scope: str | None
    instance_key: str | None
    patience: Duration
    pause_patience: Duration
    reentry: Reentry
    restart_allowed: bool
    drop_off_reasons: list[DropOffRule]

    @resolved(
        ReadsModels,
        description="Those it is meant for, each as published, else as its draft. Null where there is none.",
    )
    async def personas(self, info: Info) -> list[Persona | None] | None:
        keys = [ModelKey(key) for key in self.persona_keys]
        found = await info.context.loaders.persona_by_key.load_many(keys)
        return [info.context.once(to_persona, item) if item else None for item in found]

    @resolved(description="All versions, newest first, the draft included.")
    async def versions(self, info: Info) -> list[Journey]:
        return [to_journey(item) for item in await info.context.loaders.versions_by_journey.load(self.key) or ()]

    @resolved(
        ReadsInsights,
        description="What the instances add up to that started in the period, of all versions unless filtered. "
        "Null when no version was ever published.",
    )
    async def insights(
        self,
        info: Info,
        period: PeriodInput | None = strawberry.UNSET,
        where: InsightFilter | None = strawberry.UNSET,
        position: Position | None = strawberry.UNSET,
    ) -> Insights | None:
        await info.context.catch_up(given(position))
        selection = selection_of(given(period), given(where))
        reading = InsightsReading(selection, median_gaps="medianGap" in info.context.fields)
        found = await info.context.loaders.insights_by_journey(reading).load(self.key)
        return to_insights(found, self.key, selection) if found else None


def to_journey(document: documents.Journey) -> Journey:
    members = {name: getattr(document, name) for name in document.__struct_fields__}
    members |= {
        "persona_keys": members.pop("personas"),
        "phases": all_shown(document.phases, Phase),
        "hypotheses": all_shown(document.hypotheses, Hypothesis),
        "drop_off_reasons": all_shown(document.drop_off_reasons, DropOffRule),
    }
    return Journey(id=model_id("Journey", document.key, document.version), **members)


def to_template(document: documents.Template) -> JourneyTemplate:
    return shown(document, JourneyTemplate)


def to_phase(document: documents.Phase) -> Phase:
    return shown(document, Phase)


def to_touchpoint(document: documents.Touchpoint) -> Touchpoint:
    return shown(document, Touchpoint)
