"""From GraphQL inputs to the JSON of the internal interfaces."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.types.base import get_object_definition
from strawberry.utils.str_converters import to_camel_case

T = TypeVar("T")


def given(value: T | None) -> T | None:
    """None for an argument that was omitted, as for one that was given as `null`."""
    return None if value is strawberry.UNSET else value


def to_wire(value: object) -> Any:
    """Inputs as objects in camelCase, enumerations in their public spelling, JSON values untouched.

    A member that was omitted or given as `null` is left out: upstream, both mean the default.
    """
    definition = get_object_definition(type(value))
    if definition is not None:
        members = ((field, getattr(value, field.python_name)) for field in definition.fields)
        return {
            field.graphql_name or to_camel_case(field.python_name): to_wire(item)
            for field, item in members
            if given(item) is not None
        }
    if isinstance(value, list) and value and (isinstance(value[0], Enum) or get_object_definition(type(value[0]))):
        return [to_wire(item) for item in value]
    return value.value if isinstance(value, Enum) else value
