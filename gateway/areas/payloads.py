"""What payloads of mutations share."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from gateway.clients.events import EventResult
from gateway.clients.journeys import Remark
from gateway.errors import is_refusal
from infra.chassis.errors import Flaw, Problem


@strawberry.type(description="A refusal by the domain: nothing was changed. Line and column are places inside a rule.")
class UserError:
    code: str
    message: str
    path: list[str] | None = None
    line: int | None = None
    column: int | None = None


def refusals(problem: Problem) -> list[UserError]:
    """The refusals that `problem` tells of; any other problem is raised again."""
    if not is_refusal(problem):
        raise problem
    return user_errors(problem.errors) or [UserError(code=problem.code, message=problem.message)]


def user_errors(flaws: Iterable[Flaw | Remark]) -> list[UserError]:
    return [
        UserError(
            code=flaw.code,
            message=flaw.message,
            path=[str(part) for part in flaw.path] if flaw.path else None,
            line=flaw.line,
            column=flaw.column,
        )
        for flaw in flaws
    ]


def rejection(result: EventResult) -> UserError:
    return UserError(
        code=result.code or "REJECTED",
        message=result.message or "The event was rejected.",
        path=[str(part) for part in result.path] if result.path else None,
    )
