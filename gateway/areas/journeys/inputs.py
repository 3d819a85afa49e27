"""Journey models as authors write them. What may be in them is decided by the journeys service."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from gateway.areas.evidence import EvidenceInput
from gateway.scalars import JSON, DateTime, Duration
from gateway.vocabulary import DropOffReason, Reentry


@strawberry.input
class LaneItemInput:
    lane: str
    text: str
    evidence: list[EvidenceInput] | None = UNSET


@strawberry.input
class TouchpointInput:
    key: str
    name: str
    channel: str | None = "any"
    owner: str | None = UNSET
    recognised_by: str
    claimed_emotion: float | None = UNSET
    moment_of_truth: bool | None = False
    lanes: list[LaneItemInput] | None = UNSET


@strawberry.input
class MeansInput:
    key: str
    name: str
    channel: str | None = UNSET
    personas: list[str] | None = UNSET
    content: JSON | None = UNSET


@strawberry.input
class OutsideFigureInput:
    name: str
    value: float
    unit: str | None = UNSET
    source: str
    date: DateTime


@strawberry.input
class PhaseInput:
    key: str
    name: str
    customer_goal: str | None = UNSET
    expectation: str | None = UNSET
    mandatory: bool | None = True
    patience: Duration | None = UNSET
    touchpoints: list[TouchpointInput]
    means: list[MeansInput] | None = UNSET
    lanes: list[LaneItemInput] | None = UNSET
    outside_figures: list[OutsideFigureInput] | None = UNSET


@strawberry.input
class DropOffRuleInput:
    reason: DropOffReason
    when: str


@strawberry.input
class HypothesisInput:
    key: str
    statement: str
    measure: str
    claim: float


@strawberry.input
class JourneyInput:
    key: str
    name: str
    customer_goal: str | None = UNSET
    personas: list[str] | None = UNSET
    base_revision: int | None = UNSET
    phases: list[PhaseInput]
    starts_when: str | None = UNSET
    goal: str | None = UNSET
    cancelled_when: str | None = UNSET
    returned_when: str | None = UNSET
    paused_when: str | None = UNSET
    resumed_when: str | None = UNSET
    instance_key: str | None = UNSET
    scope: str | None = UNSET
    patience: Duration | None = Duration("P30D")
    pause_patience: Duration | None = Duration("P90D")
    reentry: Reentry | None = Reentry.ALWAYS
    restart_allowed: bool | None = False
    drop_off_reasons: list[DropOffRuleInput] | None = UNSET
    hypotheses: list[HypothesisInput] | None = UNSET
