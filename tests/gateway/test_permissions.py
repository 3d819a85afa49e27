"""Each field says itself what is needed to read it: at the root, and wherever the answer is somebody else's to give.

That a permission is declared, and which one; what comes of it is told by the access tests.
"""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, get_named_type
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from gateway.areas.customers.subscriptions import FollowsCustomers
from gateway.areas.nodes.queries import ReadsNodes
from gateway.permissions import (
    IsCustomer,
    ReadsCustomers,
    ReadsInsights,
    ReadsModels,
    RecordsEvents,
    Scope,
    WritesModels,
    WritesSources,
)
from gateway.schema import create_schema

SCHEMA = create_schema()

ROOTS: dict[str, type[Scope]] = {
    "Query.node": ReadsNodes,
    "Query.nodes": ReadsNodes,
    "Query.workspace": ReadsModels,
    "Query.me": IsCustomer,
    "Query.customer": ReadsCustomers,
    "Query.customers": ReadsCustomers,
    "Query.instances": ReadsCustomers,
    "Query.rejectedEvents": ReadsCustomers,
    "Query.projection": ReadsCustomers,
    "Query.journey": ReadsModels,
    "Query.journeys": ReadsModels,
    "Query.journeyTemplates": ReadsModels,
    "Query.persona": ReadsModels,
    "Query.personas": ReadsModels,
    "Query.sources": WritesSources,
    "Mutation.saveSettings": WritesSources,
    "Mutation.saveSource": WritesSources,
    "Mutation.rotateKey": WritesSources,
    "Mutation.revokeKey": WritesSources,
    "Mutation.resubmitRejectedEvents": WritesSources,
    "Mutation.recordEvents": RecordsEvents,
    "Mutation.identify": RecordsEvents,
    "Mutation.mintCustomerToken": ReadsCustomers,
    "Mutation.savePersona": WritesModels,
    "Mutation.publishPersona": WritesModels,
    "Mutation.createJourneyFromTemplate": WritesModels,
    "Mutation.saveJourney": WritesModels,
    "Mutation.publishJourney": WritesModels,
    "Subscription.instanceChanged": FollowsCustomers,
    "Subscription.eventRecorded": FollowsCustomers,
    "Subscription.insightsChanged": ReadsInsights,
}

# Who answers for a type. A type that is in none of these comes whole with the one that holds it.
OWNERS: dict[str, set[str]] = {
    "personas": {"Persona"},
    "journeys": {"Journey"},
    "customers": {"Customer", "JourneyInstance", "TouchpointEvent"},
    "workspace": {"Workspace"},
    "sources": {"Source", "RejectedEvent"},
    "insights": {"Insights"},
}
_ROOT = {"Query.", "Mutation.", "Subscription."}
HELD_BY: dict[str, str] = {
    "Step": "customers",
    "PersonaAssignment": "customers",
    "Explanation": "customers",
    "LedgerEntry": "customers",
    "DropOff": "customers",
    "InstanceChange": "customers",
    "DropOffInsight": "insights",
    "SourcePayload": "sources",
    "IdentifyPayload": "writing",
    "PersonaPayload": "personas",
    "JourneyPayload": "journeys",
    "PublishJourneyPayload": "journeys",
}
CROSSINGS: dict[str, type[Scope]] = {
    "Customer.": ReadsCustomers,
    "Insights.": ReadsInsights,
    "Journey.": ReadsModels,
    "JourneyInstance.": ReadsCustomers,
    "Persona.": ReadsModels,
    "Source.": ReadsCustomers,
}
"""What is needed to come to a type from that of another owner."""


def owner_of(type_name: str) -> str | None:
    return next((owner for owner, names in OWNERS.items() if type_name in names), None)


def fields() -> list[tuple[str, str, StrawberryField, str]]:
    """Every field of every object type but connections: type, name, declaration, and the type that it leads to."""
    found = []
    naming = SCHEMA.config.name_converter
    for name, kind in SCHEMA.core.type_map.items():
        definition = SCHEMA.get_type_by_name(name)
        if not isinstance(kind, GraphQLObjectType) or not isinstance(definition, StrawberryObjectDefinition):
            continue
        for field in definition.fields:
            field_name = naming.get_graphql_name(field)
            if field_name not in kind.fields:  # private to the gateway
                continue
            leads_to = get_named_type(kind.fields[field_name].type).name
            leads_to = leads_to.removesuffix("Connection").removesuffix("Edge")
            found.append((name, field_name, field, leads_to))
    return found


def scopes_of(field: StrawberryField) -> set[type[Scope]]:
    return {permission for permission in field.permission_classes if issubclass(permission, Scope)}


def crossings() -> list[tuple[str, StrawberryField, str]]:
    """Fields that lead from what one owner answers for to what another does."""
    found = []
    for name, field_name, field, leads_to in fields():
        held_by = HELD_BY.get(name) or owner_of(name)
        if name.endswith(("Connection", "Edge")) or f"{name}." in _ROOT:
            continue
        if owner_of(leads_to) is not None and owner_of(leads_to) != held_by:
            found.append((f"{name}.{field_name}", field, leads_to))
    return found


def test_every_root_field_needs_what_is_written_here() -> None:
    found = {f"{name}.{field}": scopes_of(declared) for name, field, declared, _ in fields() if f"{name}." in _ROOT}
    assert found == {place: {scope} for place, scope in ROOTS.items()}


def test_every_crossing_is_known() -> None:
    """A new way from one owner's data to another's appears here first."""
    assert sorted(place for place, _field, _leads_to in crossings()) == [
        "DropOffInsight.instances",
        "IdentifyPayload.customer",
        "Journey.insights",
        "Journey.personas",
        "JourneyInstance.journey",
        "PersonaAssignment.persona",
        "TouchpointEvent.source",
    ]


@pytest.mark.parametrize(("place", "field", "leads_to"), crossings(), ids=[place for place, _, _ in crossings()])
def test_every_field_that_leaves_its_owner_needs_what_the_other_asks_for(
    place: str, field: StrawberryField, leads_to: str
) -> None:
    assert CROSSINGS[f"{leads_to}."] in scopes_of(field), place


def test_every_type_that_loads_something_has_an_owner() -> None:
    """A resolver of ours that waits for somebody, on a type that nobody answers for, would escape these tests."""
    known = (
        {name for names in OWNERS.values() for name in names} | HELD_BY.keys() | {root.rstrip(".") for root in _ROOT}
    )
    loading = {name for name, _field, declared, _leads_to in fields() if declared.base_resolver is not None}
    assert loading <= known
