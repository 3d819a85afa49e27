"""The SDL that is committed, the one that is served and the one that was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
    print_ast,
)
from strawberry.types.base import StrawberryObjectDefinition

from gateway.permissions import ReadsPersonalData
from gateway.schema import SDL, create_schema

SCHEMA = create_schema()
OURS = build_schema(SCHEMA.as_str())
PROMISED = build_schema(Path(__file__).with_name("data").joinpath("contract.graphql").read_text(encoding="utf-8"))

# What a later issue adds: nothing computes its data yet. Every other member of a type that we have is there.
LATER: dict[str, set[str]] = {
    "Query": {
        "reactions", "mergePreview",
    },
    "Mutation": {
        "setConsent", "backtestJourney", "mergeCustomers",
        "splitCustomer", "exportCustomer", "eraseCustomer", "saveReaction",
    },
    "Persona": {"population"},
    "Journey": {"picture"},
    "Insights": {
        "timeInPhase", "conformance", "emotionCurve", "touchpointValues", "hypotheses", "variants", "engagement",
        "prediction",
    },
    "InsightFilter": {"persona"},
    "CustomerFilter": {"persona"},
    "Hypothesis": {"verdict"},
    "Customer": {"consents", "household", "emotion", "fiveQuestions"},
    "JourneyInstance": {"conformance", "emotion", "next", "goalProbability", "means"},
    "InstanceFilter": {"persona"},
    "SourceInput": {"mapping"},
    "SourceKey": {"lastUsedAt"},
}  # fmt: skip

# What we have beyond the promise, members of types and arguments of fields.
GROWN: dict[str, set[str]] = {
    "Customer.ledger": {"first", "after"},
    "PersonaAssignment": {"personaKey"},
    "PersonaPayload": {"pending"},
    "Source": {"rejectedByCode"},
    "ProjectionStatus": {"rebuilds", "stuck"},
}
GROWN_TYPES = {"Rebuild", "RejectedCount"}


def own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not name.startswith("__") and not is_specified_scalar_type(kind)
    }


def members(kind: GraphQLNamedType) -> dict[str, Any]:
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        return dict(kind.fields)
    if isinstance(kind, GraphQLEnumType):
        return dict(kind.values)
    return {}


def shape(member: Any) -> Any:
    """Everything about a member that a client depends on."""
    if isinstance(member, GraphQLField):
        return str(member.type)
    if isinstance(member, GraphQLArgument | GraphQLInputField):
        default = member.default.literal if member.default else None
        return str(member.type), print_ast(default) if default else None
    return None


def test_the_committed_sdl_is_the_one_that_is_served() -> None:
    assert SDL.read_text(encoding="utf-8") == SCHEMA.as_str() + "\n", "run python -m gateway.schema"


def promised_types() -> list[str]:
    return sorted(own_types(OURS).keys() - GROWN_TYPES)


def kept(name: str) -> dict[str, Any]:
    """The members of a type of ours that were promised."""
    return {member: kind for member, kind in members(OURS.type_map[name]).items() if member not in GROWN.get(name, ())}


@pytest.mark.parametrize("name", promised_types())
def test_each_type_is_as_promised(name: str) -> None:
    ours, promised = OURS.type_map[name], PROMISED.type_map[name]
    assert type(ours) is type(promised)
    assert {member: shape(value) for member, value in kept(name).items()} == {
        member: shape(value) for member, value in members(promised).items() if member not in LATER.get(name, set())
    }


@pytest.mark.parametrize("name", promised_types())
def test_each_argument_is_as_promised(name: str) -> None:
    promised = PROMISED.type_map[name]
    for member, value in kept(name).items():
        if isinstance(value, GraphQLField):
            wanted = members(promised)[member].args
            grown = GROWN.get(f"{name}.{member}", set())
            assert {argument: shape(kind) for argument, kind in value.args.items() if argument not in grown} == {
                argument: shape(kind)
                for argument, kind in wanted.items()
                if argument not in LATER.get(f"{name}.{member}", set())
            }


@pytest.mark.parametrize("name", promised_types())
def test_each_type_is_a_node_where_promised(name: str) -> None:
    ours, promised = OURS.type_map[name], PROMISED.type_map[name]
    if isinstance(ours, GraphQLObjectType):
        assert isinstance(promised, GraphQLObjectType)
        assert [i.name for i in ours.interfaces] == [i.name for i in promised.interfaces]


def fields_of(name: str) -> dict[str, set[type[Any]]]:
    """The permission classes of each field of a type, by its GraphQL name."""
    definition = SCHEMA.get_type_by_name(name)
    assert isinstance(definition, StrawberryObjectDefinition)
    naming = SCHEMA.config.name_converter
    return {naming.get_graphql_name(field): set(field.permission_classes) for field in definition.fields}


@pytest.mark.parametrize("name", ["Customer", "LedgerEntry", "TouchpointEvent", "RejectedEvent"])
def test_every_personal_field_needs_pii_read(name: str) -> None:
    personal = {"identifiers", "traits", "traitHistory", "properties", "context", "body"}
    for field, permissions in fields_of(name).items():
        assert (ReadsPersonalData in permissions) == (field in personal), f"{name}.{field}"


def test_personal_values_appear_on_guarded_types_only() -> None:
    """A new way to an identifier, trait or free-form value must be guarded as well."""
    holders = {
        name
        for name, kind in own_types(OURS).items()
        if isinstance(kind, GraphQLObjectType)
        for field in kind.fields.values()
        if any(word in str(field.type) for word in ("Identifier", "Trait!", "JSON"))
    }
    assert holders == {
        "Customer",
        "LedgerEntry",
        "TouchpointEvent",
        "Trait",
        "Means",
        "JourneyTemplate",
        "Workspace",
    }  # a trait is guarded by its customer
