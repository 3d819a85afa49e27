"""What can go wrong, as one small tree that every process answers in the same way.

Problem                     code and HTTP status of its own; answered as application/problem+json (RFC 9457)
|-- BadRequest         400  the request as a whole cannot be used
|   |-- Unauthenticated 401 no credential, or one nobody knows
|   |-- Forbidden      403  a known credential that may not do this
|   |-- NotFound       404
|   |-- RequestTimeout 408  the rest of a body does not come
|   |-- Conflict       409  somebody else changed it meanwhile
|   |-- TooLarge       413
|   |-- Invalid        422  well-formed, but its content is refused; `errors` names the places
|-- Unavailable        503  try again after `retry_after` seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong, and where: `path` into the input, `line` and `column` (1-based) inside a rule."""

    code: str
    message: str
    path: tuple[str, ...] = ()
    line: int | None = None
    column: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


class Problem(Exception):
    """A failure that a client is told about: a stable `code`, a `message` that says what to do, an HTTP status."""

    status: int = 500
    default_code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, code: str | None = None, errors: Sequence[Flaw] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.errors = tuple(errors)

    def headers(self) -> dict[str, str]:
        return {}

    def as_json(self) -> dict[str, Any]:
        """The RFC 9457 document, plus string `code` and `message`: SDKs read those two and some retry without them."""
        document: dict[str, Any] = {
            "type": f"https://klantreis.dev/problems/{self.code.lower().replace('_', '-')}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "message": self.message,
        }
        if self.errors:
            document["errors"] = [flaw.as_json() for flaw in self.errors]
        return document


class BadRequest(Problem):
    status = 400
    default_code = "BAD_REQUEST"


class Unauthenticated(BadRequest):
    status = 401
    default_code = "UNAUTHENTICATED"


class Forbidden(BadRequest):
    status = 403
    default_code = "FORBIDDEN"


class NotFound(BadRequest):
    status = 404
    default_code = "NOT_FOUND"


class RequestTimeout(BadRequest):
    status = 408
    default_code = "REQUEST_TIMEOUT"

    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class Conflict(BadRequest):
    status = 409
    default_code = "CONFLICT"


class TooLarge(BadRequest):
    status = 413
    default_code = "TOO_LARGE"


class Invalid(BadRequest):
    status = 422
    default_code = "INVALID"


class Unavailable(Problem):
    """A store or service is away; a retry after `retry_after` seconds may succeed.

    Whether something was stored is not known: the answer of a commit may be what was lost. What carries a message id
    is recognised when it is sent again.
    """

    status = 503
    default_code = "UNAVAILABLE"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int = 1) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}
