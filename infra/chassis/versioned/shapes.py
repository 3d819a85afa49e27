"""The wire shapes that services with versioned documents share: strict camelCase JSON, and its usual scalars."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from infra.chassis.clock import from_datetime, to_rfc3339
from infra.chassis.versioned import domain
from infra.chassis.versioned.store import Draft, Version


def microseconds(text: str) -> int:
    """A moment as microseconds since 1970. Raises ValueError unless it is ISO 8601 in the years 1 to 9999 of UTC."""
    try:
        moment = from_datetime(datetime.fromisoformat(text))
        to_rfc3339(moment)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None
    return moment


def _in_utc(text: str) -> str:
    return to_rfc3339(microseconds(text))


Slug = Annotated[str, StringConstraints(pattern=domain.KEY, max_length=domain.LONGEST_KEY)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Prose = Annotated[str, StringConstraints(max_length=10_000)]
Duration = Annotated[str, StringConstraints(max_length=64)]
Moment = Annotated[str, StringConstraints(max_length=64), AfterValidator(_in_utc)]
Counted = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(allow_inf_nan=False)]
After = Annotated[str, StringConstraints(pattern=rf"{domain.KEY}|^$", max_length=domain.LONGEST_KEY)]
"""A key to go on from; empty: from the beginning."""

Status = Literal["DRAFT", "PUBLISHED", "RETIRED"]


class Shape(BaseModel):
    """camelCase outside, nothing converted, nothing unknown; null is the same as left out, as in GraphQL."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


class Drafted(Shape):
    """What a draft and its versions keep: the input of a save without its guard."""

    key: Slug

    def document(self) -> str:
        """As it is stored, all defaults filled in."""
        return msgspec.json.encode(self.model_dump(mode="json", exclude={"base_revision"})).decode()


class Stored(Shape):
    """What there is to know about a draft or version. `effectiveFrom` null: always; `effectiveUntil` null: open."""

    version: int | None
    revision: int
    status: Status
    effective_from: Moment | None
    effective_until: Moment | None
    published_at: Moment | None


class FlawDocument(Shape):
    """One thing that is wrong: where in the input, and at which line and column of a rule."""

    code: str
    message: str
    path: list[str]
    line: int | None = None
    column: int | None = None


class ReadItem(Shape):
    key: str
    version: Counted | None = None
    draft: bool = False


class ReadRequest(Shape):
    items: Annotated[list[ReadItem], Field(max_length=100)]


class VersionsRequest(Shape):
    keys: Annotated[list[str], Field(max_length=100)]


class Workspaces(Shape):
    workspaces: list[str]


def as_document(stored: Draft | Version) -> dict[str, Any]:
    """A stored draft or version, with the members of `Stored`."""
    document: dict[str, Any] = msgspec.json.decode(stored.document)
    document |= {"version": None, "revision": stored.revision, "status": domain.Status.DRAFT.value}
    document |= {"effectiveFrom": None, "effectiveUntil": None, "publishedAt": None}
    if isinstance(stored, Version):
        until = domain.effective_until(stored.effective_from, stored.superseded_from)
        document |= {
            "version": stored.version,
            "status": domain.status(stored.superseded_from).value,
            "effectiveFrom": None if stored.effective_from == domain.ALWAYS else to_rfc3339(stored.effective_from),
            "effectiveUntil": None if until is None else to_rfc3339(until),
            "publishedAt": to_rfc3339(stored.published_at),
        }
    return document
