"""From what resolvers give to what the answer says: "Value Completion" of the GraphQL specification.

A completion is made for one selected field and one type within its own. It makes null of None; what wraps it refuses
that where it may not be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    Undefined,
    default_type_resolver,
)
from graphql.pyutils import inspect, is_iterable
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.execution.info import resolve_info
from gateway.execution.places import Place
from gateway.execution.runs import Complete, Run
from gateway.execution.selected import Selected

if TYPE_CHECKING:
    from gateway.execution.selections import Selection

Serialize = Callable[[Any], Any]


def required(complete: Complete, selected: Selected) -> Complete:
    def complete_required(run: Run, value: Any, place: Place) -> Any:
        if value is None:
            raise missing(selected)
        return complete(run, value, place)

    return complete_required


def missing(selected: Selected) -> TypeError:
    return TypeError(f"Cannot return null for non-nullable field {selected.parent_type}.{selected.name}.")


def serializer(leaf: GraphQLLeafType) -> Serialize:
    """The schema's own, for everything but None. That of an enumeration is asked once for each of its members."""
    coerce = leaf.coerce_output_value
    python_enum = getattr(leaf, "wrapped_cls", None) if isinstance(leaf, GraphQLEnumType) else None
    names = {} if python_enum is None else {member: coerce(member) for member in python_enum}

    def serialize(value: Any) -> Any:
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise TypeError(
                f"Expected `{inspect(leaf)}.coerce_output_value({inspect(value)})`"
                f" to return non-nullable value, returned: {inspect(coerced)}"
            )
        return coerced

    def serialize_member(value: Any) -> Any:
        return names[value] if type(value) is python_enum else serialize(value)

    return serialize if python_enum is None else serialize_member


def leaf_completion(serialize: Serialize) -> Complete:
    def complete_leaf(_run: Run, value: Any, _place: Place) -> Any:
        return None if value is None else serialize(value)

    return complete_leaf


def list_completion(complete_item: Complete, selected: Selected, *, nullable: bool) -> Complete:
    """Of a list of items that may be null if `nullable`. Each is completed, and may fail, by itself."""
    nodes = selected.nodes

    def complete_list(run: Run, value: Any, place: Place) -> Any:
        if value is None:
            return None
        if not is_iterable(value):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{selected.parent_type}.{selected.name}'."
            )
        items: list[Any] = []
        for index, item in enumerate(value):
            here = Place(place, index, items, nullable)
            items.append(None)
            try:
                if hasattr(item, "__await__"):
                    run.wait_for(item, here, complete_item, nodes)
                elif isinstance(item, Exception):
                    raise item
                else:
                    items[index] = complete_item(run, item, here)
            except Exception as error:
                run.fail(error, here, nodes)
        return items

    return complete_list


def root_completion(selection: Selection) -> Complete:
    def complete_root(run: Run, value: Any, place: Place) -> Any:
        answer: dict[str, Any] = {}
        for step in selection.steps(run):
            step(run, value, answer, place)
        return answer

    return complete_root


def object_completion(type_: GraphQLObjectType, selection: Selection, selected: Selected) -> Complete:
    check = type_.is_type_of
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    surely = None if definition is None else definition.origin

    def complete_object(run: Run, value: Any, place: Place) -> Any:
        if value is None:
            return None
        if check is not None and type(value) is not surely and not check(value, resolve_info(run, selected, place)):
            raise GraphQLError(f"Expected value of type '{type_}' but got: {inspect(value)}.", selected.nodes)
        answer: dict[str, Any] = {}
        for step in selection.steps(run):
            step(run, value, answer, place)
        return answer

    return complete_object


def abstract_completion(type_: GraphQLAbstractType, possible: Mapping[str, Complete], selected: Selected) -> Complete:
    """Of an object whose type, one of those that are `possible`, shows only when it is there."""
    resolve_type = type_.resolve_type or default_type_resolver

    def complete_abstract(run: Run, value: Any, place: Place) -> Any:
        if value is None:
            return None
        name: Any = resolve_type(value, resolve_info(run, selected, place), type_)
        if name not in possible:
            raise GraphQLError(
                f"Abstract type '{type_}' must resolve to an Object type at runtime"
                f" for field '{selected.parent_type}.{selected.name}'. Either the '{type_}' type should provide"
                " a 'resolve_type' function or each possible type should provide an 'is_type_of' function.",
                selected.nodes,
            )
        return possible[name](run, value, place)

    return complete_abstract
