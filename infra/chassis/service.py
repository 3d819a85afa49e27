"""The HTTP side of a service: internal routes for other services, and the document that describes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI

from infra.chassis.http import add_health, answer_problems

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
_IN_JSON = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The call is refused", "content": _IN_JSON},
    "5XX": {"description": "The service cannot answer now", "content": _IN_JSON},
}


class ServiceApp(FastAPI):
    """An app that answers failures as problem documents and gives a sign of life; it serves no description of itself,
    which is committed instead."""

    def __init__(
        self, title: str, summary: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
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
        add_health(self)

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {}).update(Flaw=_FLAW, Problem=_PROBLEM)
        return document
