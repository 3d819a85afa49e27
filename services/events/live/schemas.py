"""Instances and steps as other services see them, and how they ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import msgspec

from infra.chassis.clock import to_rfc3339
from services.events.explanation import ExplanationDocument
from services.events.live.domain import Status
from services.events.live.filter import InstanceFilter
from services.events.live.queries import InstanceRow, StepRow
from services.events.models.queries import Journey
from services.events.paging import Page
from services.events.schemas import Body, Cursor, First, Ids, Text

Snapshot = Mapping[str, Any]
"""A phase or touchpoint, whole, as the version of the instance published it."""


class OfCustomersBody(Body):
    customers: Ids
    first: First = 20
    after: Cursor = None
    journey: Text | None = None
    key: Text | None = None
    status: list[Status] | None = None


class QueryBody(Body):
    where: InstanceFilter | None = None
    first: First = 20
    after: Cursor = None


class InstancesBody(Body):
    ids: Ids


class OfEventsBody(Body):
    events: Ids


class ExplainBody(Body):
    instances: Ids


class StepsBody(Body):
    instances: Ids
    first: First = 50
    after: Cursor = None


class DropOffDocument(msgspec.Struct, rename="camel"):
    reason: str
    phase: Snapshot | None
    at: str
    evidence: list[str]


class InstanceDocument(msgspec.Struct, rename="camel"):
    id: str
    journey_key: str
    version: int
    customer_id: str
    key: str | None
    run: int
    status: str
    phase: Snapshot | None
    touchpoint: Snapshot | None
    started_at: str
    last_event_at: str
    ended_at: str | None
    due_at: str | None
    drop_off: DropOffDocument | None


class StepDocument(msgspec.Struct, rename="camel"):
    instance_id: str
    touchpoint: Snapshot | None
    phase: Snapshot | None
    direction: str
    channel: str | None
    device: str | None
    occurred_at: str
    event_id: str


def instance_document(row: InstanceRow, journeys: Mapping[str, Journey]) -> InstanceDocument:
    return InstanceDocument(
        id=row.instance.hex(),
        journey_key=row.journey,
        version=row.version,
        customer_id=row.customer.hex(),
        key=row.key,
        run=row.run,
        status=row.status,
        phase=_phase(journeys, row, row.phase),
        touchpoint=_touchpoint(journeys, row, row.touchpoint),
        started_at=to_rfc3339(row.started_at),
        last_event_at=to_rfc3339(row.last_event_at),
        ended_at=_moment(row.ended_at),
        due_at=_moment(row.due_at),
        drop_off=_drop_off(row, journeys),
    )


def step_document(row: StepRow, journeys: Mapping[str, Journey]) -> StepDocument:
    return StepDocument(
        instance_id=row.instance.hex(),
        touchpoint=_touchpoint(journeys, row, row.touchpoint),
        phase=_phase(journeys, row, row.phase),
        direction=row.direction,
        channel=row.channel,
        device=row.device,
        occurred_at=to_rfc3339(row.occurred_at),
        event_id=row.event_id,
    )


def _drop_off(row: InstanceRow, journeys: Mapping[str, Journey]) -> DropOffDocument | None:
    if row.drop_reason is None or row.drop_at is None:
        return None
    return DropOffDocument(
        reason=row.drop_reason,
        phase=_phase(journeys, row, row.drop_phase),
        at=to_rfc3339(row.drop_at),
        evidence=(row.drop_evidence or "").split(),
    )


def _phase(journeys: Mapping[str, Journey], row: InstanceRow | StepRow, key: str | None) -> Snapshot | None:
    journey = journeys.get(row.journey)
    return None if journey is None else journey.phase(row.version, key)


def _touchpoint(journeys: Mapping[str, Journey], row: InstanceRow | StepRow, key: str | None) -> Snapshot | None:
    journey = journeys.get(row.journey)
    return None if journey is None else journey.touchpoint(row.version, key)


def _moment(moment: int | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)


class InstancePages(TypedDict):
    pages: Sequence[Page[InstanceDocument] | None]


class Instances(TypedDict):
    instances: list[InstanceDocument | None]


class InstancesOfEvents(TypedDict):
    instances: list[list[InstanceDocument]]


class Explanations(TypedDict):
    explanations: list[list[ExplanationDocument] | None]


class StepPages(TypedDict):
    pages: list[Page[StepDocument] | None]


class OpenRuns(TypedDict):
    openRuns: int
