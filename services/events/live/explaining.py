"""Explanations as other services see them, out of what was read of the present, of the past or of what may be told."""

from __future__ import annotations

from collections.abc import Mapping

from services.events.explanation import ExplanationDocument, explanation_document
from services.events.live.domain.explain import explain
from services.events.live.domain.model import Model
from services.events.live.domain.standing import Standing
from services.events.models.queries import Journey
from services.events.timeline.domain import Event


def explained(
    standing: Standing, journeys: Mapping[str, Journey], events: Mapping[str, Event]
) -> list[ExplanationDocument] | None:
    """`events` are at least those that the standing names. None if its journey has gone meanwhile."""
    journey = journeys.get(standing.journey)
    if journey is None:
        return None
    models = {
        version.number: Model(journey.documents[version.number], version) for version in journey.schedule.versions
    }
    return [explanation_document(one) for one in explain(standing, models, events)]
