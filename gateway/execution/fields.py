"""What is done for a selected field: the same step for all requests, or one that is made for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import strawberry
from graphql import TypeNameMetaFieldDef, get_nullable_type, is_leaf_type
from strawberry.permission import BasePermission
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from gateway.execution import steps
from gateway.execution.arguments import Arguments, ArgumentValues
from gateway.execution.completion import serializer
from gateway.execution.info import FieldInfo
from gateway.execution.places import Place
from gateway.execution.resolvers import Call, NotPlanned, ask, call_of, hold_for_request, permissions_of
from gateway.execution.runs import Complete, Run
from gateway.execution.selected import Selected
from gateway.execution.selections import Field
from gateway.execution.steps import Step


def field_of(schema: strawberry.Schema, selected: Selected, complete: Complete) -> Field:
    """Raises NotPlanned for what only Strawberry itself can do."""
    if selected.definition is TypeNameMetaFieldDef:
        return FixedField(steps.type_name(selected))
    field = selected.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField):
        raise NotPlanned
    permissions = permissions_of(field)
    if field.base_resolver is None and hold_for_request(permissions):
        step = _attribute(selected, field, complete)
        if not permissions:
            return FixedField(step)
        return BoundField(schema, selected, field, permissions, lambda _arguments: step)
    call = call_of(field)
    if not hold_for_request(permissions):
        call = _guarded(permissions, call)
    take = partial(steps.resolved, selected, field, call, complete)
    return BoundField(schema, selected, field, permissions, take)


@dataclass(frozen=True, slots=True)
class FixedField:
    fixed: Step

    def bind(self, _run: Run) -> Step:
        return self.fixed


class BoundField:
    """One with arguments or permissions, which are looked at once for a request unless they depend on the object."""

    fixed = None

    def __init__(
        self,
        schema: strawberry.Schema,
        selected: Selected,
        field: StrawberryField,
        permissions: Sequence[BasePermission],
        step_of: Callable[[Arguments], Step],
    ) -> None:
        self._selected = selected
        self._field = field
        self._arguments = ArgumentValues(schema, selected, field)
        self._permissions = permissions if hold_for_request(permissions) else ()
        self._step_of = step_of

    def bind(self, run: Run) -> Step:
        try:
            arguments = self._arguments.of(run.variables)
            info = FieldInfo(run, self._selected, Place(None, self._selected.key, {}, nullable=True), self._field)
            ask(self._permissions, None, info, arguments)
        except Exception as error:
            return steps.failing(self._selected, error)
        return self._step_of(arguments)


def _attribute(selected: Selected, field: StrawberryField, complete: Complete) -> Step:
    type_ = get_nullable_type(selected.definition.type)
    read, name = field.default_resolver, field.python_name
    if is_leaf_type(type_):
        return steps.leaf_attribute(selected, read, name, serializer(type_))
    return steps.attribute(selected, read, name, complete)


def _guarded(permissions: Sequence[BasePermission], call: Call) -> Call:
    def ask_and_call(source: Any, info: FieldInfo, arguments: Arguments) -> Any:
        ask(permissions, source, info, arguments)
        return call(source, info, arguments)

    return ask_and_call
