"""From failures to the two places where GraphQL tells of them.

A refusal by the domain (validation, conflict, not found) belongs in a payload's `errors`: the mutation changed nothing.
Everything else is a top-level error with `extensions.code`: authentication, permission, limits, an absent upstream. If
arguments of a field are at fault, `extensions.errors` names each place, as a payload would: `["where", "version"]`.
What nobody foresaw is told as INTERNAL and logged by its kind and place, never with the document or its values.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError

from infra.chassis import request_ids
from infra.chassis.errors import BadRequest, Flaw, Problem, Unavailable

_log = logging.getLogger(__name__)
_INTERNAL = "Something went wrong on our side; it has been logged."
_OUR_OWN_FAULT = frozenset({401, 403})  # between services: a wrong signing key, never the caller's doing


class BadPage(BadRequest):
    default_code = "BAD_PAGE"


class BadId(BadRequest):
    default_code = "BAD_ID"


def is_refusal(problem: Problem) -> bool:
    """Whether `problem` is a refusal by the domain, to be told in a payload."""
    return 400 <= problem.status < 500 and problem.status not in _OUR_OWN_FAULT


def is_foreseen(error: GraphQLError) -> bool:
    """Whether its message may be shown: made by GraphQL, by us as a Problem, or by an upstream as one."""
    cause = error.original_error
    if isinstance(cause, Problem):
        return isinstance(cause, Unavailable) or is_refusal(cause)
    return cause is None or isinstance(cause, GraphQLError)


def as_json(error: GraphQLError, code: str) -> dict[str, Any]:
    """One member of `errors`. `code` is used where the error itself has none."""
    cause = error.original_error
    flaws = _in_arguments(error)
    if not is_foreseen(error):
        message, code = _INTERNAL, Problem.default_code
    elif isinstance(cause, Problem):
        message, code = _message(cause, flaws), cause.code
    else:
        message, code = error.message, _code_of(error) or code
    document: dict[str, Any] = {"message": message}
    if error.locations:
        document["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        document["path"] = error.path
    document["extensions"] = {**(error.extensions or {}), "code": code}
    if flaws:
        document["extensions"]["errors"] = [flaw.as_json() for flaw in flaws]
    return document


def _in_arguments(error: GraphQLError) -> list[Flaw]:
    """What is wrong with the arguments of the field that failed.

    An upstream names places in what it was sent. Only where that has the names of the arguments it says anything to the
    caller: a loader asks for many things at once, in its own words.
    """
    cause = error.original_error
    if not isinstance(cause, Problem) or not is_foreseen(error):
        return []
    fields = [node for node in error.nodes or () if isinstance(node, FieldNode)]
    arguments = {argument.name.value for field in fields for argument in field.arguments or ()}
    return [flaw for flaw in cause.errors if flaw.path and flaw.path[0] in arguments]


def _message(cause: Problem, told: Sequence[Flaw]) -> str:
    """All flaws that it has, or else its own message: what is wrong elsewhere must not seem to be well."""
    if not told or len(told) < len(cause.errors):
        return cause.message
    return "; ".join(f"{'.'.join(flaw.path)}: {flaw.message}" for flaw in told)


def _code_of(error: GraphQLError) -> str | None:
    own = (error.extensions or {}).get("code")
    if own is None and isinstance(error.original_error, GraphQLError):
        own = (error.original_error.extensions or {}).get("code")
    return own if isinstance(own, str) else None


def traced(errors: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Members of `errors` as this request tells them: with its id, by which its log lines are found."""
    id = request_ids.current()
    if id is None:
        return list(errors)
    return [{**error, "extensions": {**error.get("extensions", {}), "requestId": id}} for error in errors]


def log_unforeseen(error: GraphQLError) -> None:
    """Logs the kind of the failure and its place in the schema and in the code; its message may hold personal data."""
    cause = error.original_error
    if cause is None or is_foreseen(error):
        return
    fields = [node.name.value for node in error.nodes or () if isinstance(node, FieldNode)]  # callers choose aliases
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(cause.__traceback__)]
    _log.error("a field failed", extra={"error": type(cause).__qualname__, "fields": fields, "frames": frames})
