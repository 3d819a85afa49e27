"""What plans rely on, in code that is written elsewhere."""

from __future__ import annotations

import dis
from typing import get_type_hints

import pytest
import strawberry

from gateway.areas.customers.types import Identifier, Trait
from gateway.areas.evidence import Evidence
from gateway.areas.journeys.types import (
    DropOffRule,
    Hypothesis,
    JourneyTemplate,
    LaneItem,
    Means,
    OutsideFigure,
    Phase,
    Touchpoint,
)
from gateway.areas.personas.types import ChannelPreference, PersonaItem
from gateway.clients import customers, journeys, models, personas
from gateway.clients.answers import Document
from gateway.permissions import Scope

SHOWN_AS_THEY_ARE = {
    Phase: journeys.Phase,
    Touchpoint: journeys.Touchpoint,
    LaneItem: journeys.LaneItem,
    Means: journeys.Means,
    OutsideFigure: journeys.OutsideFigure,
    DropOffRule: journeys.DropOffRule,
    Hypothesis: journeys.Hypothesis,
    JourneyTemplate: journeys.Template,
    PersonaItem: personas.PersonaItem,
    ChannelPreference: personas.ChannelPreference,
    Evidence: models.Evidence,
    Identifier: customers.Identifier,
    Trait: customers.Trait,
}


def every(scope: type[Scope]) -> list[type[Scope]]:
    return [scope, *(inner for one in scope.__subclasses__() for inner in every(one))]


@pytest.mark.parametrize("scope", every(Scope))
def test_permissions_that_are_asked_once_never_look_at_the_object(scope: type[Scope]) -> None:
    assert scope.of_request
    assert "source" not in {instruction.argval for instruction in dis.get_instructions(scope.has_permission)}


@pytest.mark.parametrize(("type_", "document"), SHOWN_AS_THEY_ARE.items())
def test_documents_that_are_shown_as_they_are_have_all_members_of_the_type(
    type_: type, document: type[Document]
) -> None:
    shown = strawberry.types.base.get_object_definition(type_, strict=True).fields
    assert all(field.base_resolver is None for field in shown)
    assert [field.python_name for field in shown if not hasattr(document, field.python_name)] == []


@pytest.mark.parametrize("document", SHOWN_AS_THEY_ARE.values())
def test_lists_of_documents_are_never_null(document: type[Document]) -> None:
    hints = get_type_hints(document)
    assert {name for name, hint in hints.items() if "list[" in str(hint)} - {"lists"} == set(document.lists)
