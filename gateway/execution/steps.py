"""Steps put one field of an object into its answer, which stands at a place; null until it is there, so that the order
of the answer is that of the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strawberry.types.field import StrawberryField

from gateway.execution.arguments import Arguments
from gateway.execution.completion import Serialize, missing
from gateway.execution.info import FieldInfo
from gateway.execution.places import Place
from gateway.execution.resolvers import Call
from gateway.execution.runs import Complete, Run
from gateway.execution.selected import Selected

Answer = dict[str, Any]
Step = Callable[[Run, Any, Answer, Place], None]
Read = Callable[[Any, str], Any]


def type_name(selected: Selected) -> Step:
    key, name = selected.key, selected.parent_type.name

    def step(_run: Run, _source: Any, answer: Answer, _place: Place) -> None:
        answer[key] = name

    return step


def leaf_attribute(selected: Selected, read: Read, name: str, serialize: Serialize) -> Step:
    key, nodes, nullable = selected.key, selected.nodes, selected.nullable

    def step(run: Run, source: Any, answer: Answer, place: Place) -> None:
        try:
            value = read(source, name)
            if value is not None:
                answer[key] = serialize(value)
            elif nullable:
                answer[key] = None
            else:
                raise missing(selected)
        except Exception as error:
            answer[key] = None
            run.fail(error, Place(place, key, answer, nullable), nodes)

    return step


def attribute(selected: Selected, read: Read, name: str, complete: Complete) -> Step:
    key, nodes, nullable = selected.key, selected.nodes, selected.nullable

    def step(run: Run, source: Any, answer: Answer, place: Place) -> None:
        here = Place(place, key, answer, nullable)
        answer[key] = None
        try:
            answer[key] = complete(run, read(source, name), here)
        except Exception as error:
            run.fail(error, here, nodes)

    return step


def resolved(selected: Selected, field: StrawberryField, call: Call, complete: Complete, arguments: Arguments) -> Step:
    key, nodes, nullable = selected.key, selected.nodes, selected.nullable

    def step(run: Run, source: Any, answer: Answer, place: Place) -> None:
        here = Place(place, key, answer, nullable)
        answer[key] = None
        try:
            value = call(source, FieldInfo(run, selected, here, field), arguments)
            if hasattr(value, "__await__"):
                run.wait_for(value, here, complete, nodes)
            elif isinstance(value, Exception):
                raise value
            else:
                answer[key] = complete(run, value, here)
        except Exception as error:
            run.fail(error, here, nodes)

    return step


def failing(selected: Selected, failure: Exception) -> Step:
    key, nodes, nullable = selected.key, selected.nodes, selected.nullable

    def step(run: Run, _source: Any, answer: Answer, place: Place) -> None:
        answer[key] = None
        run.fail(failure, Place(place, key, answer, nullable), nodes)

    return step
