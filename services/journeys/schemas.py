"""The wire shapes: JourneyInput of the GraphQL contract as it comes in, and journey documents as they go out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from infra.chassis.clock import from_datetime, to_rfc3339
from services.journeys import domain
from services.journeys.store import Draft, Version

_CONTENT_BYTES = 65_536


def microseconds(text: str) -> int:
    """A moment as microseconds since 1970. Raises ValueError unless it is ISO 8601 in the years 1 to 9999 of UTC."""
    try:
        moment = from_datetime(datetime.fromisoformat(text))
        to_rfc3339(moment)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None
    return moment


def _in_utc(text: str) -> str:
    return to_rfc3339(microseconds(text))


def _storable(content: JsonValue) -> JsonValue:
    """Refuses what JSON text cannot hold (NaN, infinity, lone surrogates), and more than 64 KiB."""
    if len(json.dumps(content, ensure_ascii=False, allow_nan=False).encode()) > _CONTENT_BYTES:
        raise ValueError(f"content is longer than {_CONTENT_BYTES} bytes")
    return content


Slug = Annotated[str, StringConstraints(pattern=domain.KEY, max_length=domain.LONGEST_KEY)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Prose = Annotated[str, StringConstraints(max_length=10_000)]
RuleText = Annotated[str, StringConstraints(max_length=10_000)]
Duration = Annotated[str, StringConstraints(max_length=64)]
Moment = Annotated[str, StringConstraints(max_length=64), AfterValidator(_in_utc)]
Counted = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(allow_inf_nan=False)]

Rung = Literal["ASSUMPTION", "STAFF_BRAINSTORM", "CUSTOMER_WORKSHOP", "CUSTOMER_DRAWN", "RESEARCH"]
Reentry = Literal["ALWAYS", "AFTER_END", "NEVER"]
Status = Literal["DRAFT", "PUBLISHED", "RETIRED"]
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


class Shape(BaseModel):
    """camelCase outside, nothing converted, nothing unknown; null is the same as left out, as in GraphQL."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


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


class JourneyModel(Shape):
    """What a draft and its versions keep: JourneyInput without the guard of the save."""

    key: Slug
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
            hypotheses=tuple(one.key for one in self.hypotheses),
            instance_key=self.instance_key,
            patience=self.patience,
            pause_patience=self.pause_patience,
        )


class JourneyInput(JourneyModel):
    base_revision: Counted | None = None

    def document(self) -> str:
        """The model as it is stored, all defaults filled in."""
        return msgspec.json.encode(self.model_dump(mode="json", exclude={"base_revision"})).decode()


class JourneyDocument(JourneyModel):
    """A draft or a version as it is read. `effectiveFrom` null: always; `effectiveUntil` null: open."""

    version: int | None
    revision: int
    status: Status
    effective_from: Moment | None
    effective_until: Moment | None
    published_at: Moment | None


class FlawDocument(Shape):
    """One thing that is wrong: where in the input, and at which line and column of a rule."""

    code: str
    message: str
    path: list[str]
    line: int | None = None
    column: int | None = None


class SavedDraft(Shape):
    journey: JourneyDocument
    warnings: list[FlawDocument]


class PublishRequest(Shape):
    effective_from: Moment | None = None


class PublishedVersion(Shape):
    """`pending`: events has not acknowledged the version yet; it will fetch it by itself."""

    journey: JourneyDocument
    pending: bool


class ReadItem(Shape):
    key: str
    version: Counted | None = None
    draft: bool = False


class ReadRequest(Shape):
    items: Annotated[list[ReadItem], Field(max_length=100)]


class JourneysRead(Shape):
    journeys: list[JourneyDocument | None]


class Journeys(Shape):
    journeys: list[JourneyDocument]


class JourneysPage(Shape):
    items: list[JourneyDocument]
    has_next_page: bool
    total_count: int


class Workspaces(Shape):
    workspaces: list[str]


def as_document(stored: Draft | Version) -> dict[str, Any]:
    """A stored draft or version as a journey document."""
    document: dict[str, Any] = msgspec.json.decode(stored.document)
    document |= {"version": None, "revision": stored.revision, "status": domain.ModelStatus.DRAFT.value}
    document |= {"effectiveFrom": None, "effectiveUntil": None, "publishedAt": None}
    if isinstance(stored, Version):
        until = domain.effective_until(stored.effective_from, stored.superseded_from)
        document |= {
            "version": stored.version,
            "status": domain.status(stored.superseded_from).value,
            "effectiveFrom": None if stored.effective_from == domain.ALWAYS else to_rfc3339(stored.effective_from),
            "effectiveUntil": None if until is None else to_rfc3339(until),
            "publishedAt": to_rfc3339(stored.published_at),
        }
    return document
