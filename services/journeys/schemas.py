"""The wire shapes: JourneyInput of the GraphQL contract as it comes in, and journey documents as they go out."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from infra.chassis.versioned.shapes import (
    Counted,
    Drafted,
    Duration,
    FlawDocument,
    Moment,
    Name,
    Number,
    Prose,
    Shape,
    Slug,
    Stored,
)
from services.journeys import domain

_CONTENT_BYTES = 65_536


def _storable(content: JsonValue) -> JsonValue:
    """Refuses what JSON text cannot hold (NaN, infinity, lone surrogates), and more than 64 KiB."""
    if len(json.dumps(content, ensure_ascii=False, allow_nan=False).encode()) > _CONTENT_BYTES:
        raise ValueError(f"content is longer than {_CONTENT_BYTES} bytes")
    return content


RuleText = Annotated[str, StringConstraints(max_length=10_000)]

Rung = Literal["ASSUMPTION", "STAFF_BRAINSTORM", "CUSTOMER_WORKSHOP", "CUSTOMER_DRAWN", "RESEARCH"]
Language = Literal["EN", "NL"]
Reentry = Literal["ALWAYS", "AFTER_END", "NEVER"]
DropOffReason = Literal[
    "EXTRA_COST",
    "PAYMENT_OPTIONS",
    "DELIVERY_TIME",
    "PAUSED",
    "NEW_CIRCUMSTANCES",
    "UNCLEAR_INFORMATION",
    "OTHER",
    "UNKNOWN",
]


class EvidenceInput(Shape):
    rung: Rung
    kind: Name
    summary: Prose
    date: Moment | None = None
    sample_size: Counted | None = None
    url: Annotated[str, StringConstraints(max_length=2_048)] | None = None


class LaneItemInput(Shape):
    lane: Name
    text: Prose
    evidence: Annotated[list[EvidenceInput], Field(max_length=50)] = []


class MeansInput(Shape):
    key: Slug
    name: Name
    channel: Name | None = None
    personas: Annotated[list[Slug], Field(max_length=50)] = []
    content: Annotated[JsonValue, AfterValidator(_storable)] = None


class OutsideFigureInput(Shape):
    name: Name
    value: Number
    unit: Name | None = None
    source: Name
    date: Moment


class TouchpointInput(Shape):
    key: Slug
    name: Name
    channel: Name = "any"
    owner: Name | None = None
    recognised_by: RuleText
    claimed_emotion: Annotated[Number, Field(ge=-2, le=2)] | None = None
    moment_of_truth: bool = False
    lanes: Annotated[list[LaneItemInput], Field(max_length=100)] = []


class PhaseInput(Shape):
    key: Slug
    name: Name
    customer_goal: Prose | None = None
    expectation: Prose | None = None
    mandatory: bool = True
    patience: Duration | None = None
    touchpoints: Annotated[list[TouchpointInput], Field(max_length=100)]
    means: Annotated[list[MeansInput], Field(max_length=100)] = []
    lanes: Annotated[list[LaneItemInput], Field(max_length=100)] = []
    outside_figures: Annotated[list[OutsideFigureInput], Field(max_length=100)] = []


class DropOffRuleInput(Shape):
    reason: DropOffReason
    when: RuleText


class HypothesisInput(Shape):
    key: Slug
    statement: Prose
    measure: Name
    claim: Number


class JourneyModel(Drafted):
    """What a draft and its versions keep: JourneyInput without the guard of the save."""

    name: Name
    customer_goal: Prose | None = None
    personas: Annotated[list[Slug], Field(max_length=50)] = []
    phases: Annotated[list[PhaseInput], Field(min_length=1, max_length=50)]
    starts_when: RuleText | None = None
    goal: RuleText | None = None
    cancelled_when: RuleText | None = None
    returned_when: RuleText | None = None
    paused_when: RuleText | None = None
    resumed_when: RuleText | None = None
    instance_key: Annotated[str, StringConstraints(max_length=255)] | None = None
    scope: RuleText | None = None
    patience: Duration = "P30D"
    pause_patience: Duration = "P90D"
    reentry: Reentry = "ALWAYS"
    restart_allowed: bool = False
    drop_off_reasons: Annotated[list[DropOffRuleInput], Field(max_length=100)] = []
    hypotheses: Annotated[list[HypothesisInput], Field(max_length=100)] = []

    def judged(self) -> domain.Model:
        """The parts that the domain judges."""
        rules = {
            "startsWhen": self.starts_when,
            "goal": self.goal,
            "cancelledWhen": self.cancelled_when,
            "returnedWhen": self.returned_when,
            "pausedWhen": self.paused_when,
            "resumedWhen": self.resumed_when,
            "scope": self.scope,
        }
        return domain.Model(
            phases=tuple(
                domain.Phase(
                    key=phase.key,
                    patience=phase.patience,
                    touchpoints=tuple(domain.Touchpoint(one.key, one.recognised_by) for one in phase.touchpoints),
                    means=tuple(one.key for one in phase.means),
                )
                for phase in self.phases
            ),
            rules={field: text for field, text in rules.items() if text is not None},
            drop_offs=tuple(one.when for one in self.drop_off_reasons),
            hypotheses=tuple(domain.Hypothesis(one.key, one.measure, one.claim) for one in self.hypotheses),
            instance_key=self.instance_key,
            patience=self.patience,
            pause_patience=self.pause_patience,
        )


class JourneyInput(JourneyModel):
    base_revision: Counted | None = None


class JourneyDocument(JourneyModel, Stored):
    """A draft or a version as it is read."""


class FromTemplate(Shape):
    """A journey to make; its template by key."""

    template: Name
    key: Slug
    name: Name
    language: Language = "EN"


class TemplateDocument(Shape):
    """`journey` can be saved as it is."""

    key: Slug
    name: Name
    description: Prose
    language: Language
    journey: JourneyInput


class Templates(Shape):
    templates: list[TemplateDocument]


class SavedDraft(Shape):
    journey: JourneyDocument
    warnings: list[FlawDocument]


class PublishRequest(Shape):
    effective_from: Moment | None = None


class PublishedVersion(Shape):
    """`pending`: events has not acknowledged the version yet; it will fetch it by itself."""

    journey: JourneyDocument
    pending: bool


class JourneysRead(Shape):
    journeys: list[JourneyDocument | None]


class Journeys(Shape):
    journeys: list[JourneyDocument]


class JourneyVersions(Shape):
    versions: list[list[JourneyDocument]]


class JourneysPage(Shape):
    items: list[JourneyDocument]
    has_next_page: bool
    total_count: int
