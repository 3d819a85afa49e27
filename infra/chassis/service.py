"""The HTTP side of a service: internal routes for other services, and the document that describes them.

An endpoint `-> JSONResponse[T]` promises T, which the type checker holds it to, and which the document describes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import chain
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from fastapi import APIRouter, FastAPI

from infra.chassis.http import JSONResponse, answer_problems
from infra.chassis.operations import OperatorRoutes
from infra.chassis.settings import Surroundings

_PROBLEM = {
    "title": "Problem",
    "description": "A failure, as RFC 9457 has it. `code` is stable; `message` says what to do.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "message"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "requestId": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Flaw"}},
    },
}
_FLAW = {
    "title": "Flaw",
    "description": "One thing that is wrong, and where: in the input, and inside a rule (counted from 1).",
    "type": "object",
    "required": ["code", "message", "path"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "path": {"type": "array", "items": {"type": "string"}},
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
    },
}
_REF = "#/components/schemas/{name}"
_PARTS = "$defs"  # of a schema, until they are put among those of the document
_IN_JSON = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The call is refused", "content": _IN_JSON},
    "5XX": {"description": "The service cannot answer now", "content": _IN_JSON},
}


class ServiceApp(FastAPI):
    """An app that answers failures as problem documents, and its operators; it serves no description of itself, which
    is committed instead."""

    def __init__(
        self,
        title: str,
        summary: str,
        lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
        surroundings: Surroundings,
    ) -> None:
        super().__init__(
            title=title,
            summary=summary,
            version="1",
            lifespan=lifespan,
            openapi_url=None,
            redirect_slashes=False,
            responses=_FAILURES,
        )
        answer_problems(self)
        self.operators = OperatorRoutes(surroundings)
        self.router.routes.extend(self.operators.routes())

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema:
            return self.openapi_schema
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for operation in chain.from_iterable(path.values() for path in document["paths"].values()):
            for answer in operation["responses"]["200"].get("content", {}).values():
                _add(schemas, answer["schema"].pop(_PARTS, {}))
        _add(schemas, {"Flaw": _FLAW, "Problem": _PROBLEM})
        return document


def _add(schemas: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Raises ValueError if two things that differ have one name."""
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are called {name}")


class ServiceRouter(APIRouter):
    """Routes whose endpoints write their answers themselves, and say in their annotation what these are."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        promised = get_type_hints(endpoint, include_extras=True).get("return")
        if get_origin(promised) is JSONResponse:
            (schema,), parts = msgspec.json.schema_components(get_args(promised), ref_template=_REF)
            answer = {"content": {"application/json": {"schema": schema | {_PARTS: parts}}}}
            options["responses"] = {200: answer} | (options["responses"] or {})
            options["response_model"] = None  # else FastAPI would make a model of the annotation
        super().add_api_route(path, endpoint, **options)
