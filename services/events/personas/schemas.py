"""The personas of customers as other services see them, and how they ask for them."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from services.events.explanation import ExplanationDocument, explanation_document
from services.events.personas.domain import Assignment
from services.events.schemas import Body, Ids


class PersonasOfCustomersBody(Body):
    customers: Ids


class AssignmentDocument(msgspec.Struct, rename="camel"):
    persona: str
    version: int
    fit: float
    because: list[ExplanationDocument]


def assignment_document(assignment: Assignment) -> AssignmentDocument:
    return AssignmentDocument(
        assignment.persona,
        assignment.version,
        assignment.fit,
        [explanation_document(reason) for reason in assignment.because],
    )


class Assigned(TypedDict):
    assignments: list[AssignmentDocument | None]
