"""What a command line and a mapping file tell about an import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.local.history.csv_rows import Dialect
from infra.local.history.failures import BadMapping
from infra.local.history.importing import Order
from infra.local.history.plan import Plan
from infra.local.history.targets import Target, read_target
from infra.local.history.values import Times

_ENDINGS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xes": "xes"}
_ASCII = bytes(range(0x20, 0x7F)) + rb"\t\r\n\u0041+AEE-.xn--bcher-kva"
"""What is the same in every encoding of which lines can be told apart; behind the characters, escapes of others."""


class Told(BaseModel):
    """A mapping file; what the command line says of the same thing comes first."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    others: Literal["properties", "ignore"] | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str | None = None
    time_format: str | None = None
    timezone: str | None = None

    def over(self, other: Told) -> Told:
        """This, and where it says nothing the other."""
        own = {name: value for name, value in self if value is not None}
        merged = {name: getattr(other, name) | own[name] for name in ("columns", "constants")}
        return other.model_copy(update=own | merged)


def read_file(path: Path | None) -> Told:
    """Raises BadMapping."""
    if path is None:
        return Told()
    try:
        # Everything is a text: a column may be named 2019-02-30 or no, and nothing merges into anything.
        return read_told(yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader) or {})  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError, BadMapping) as error:
        raise BadMapping(f"{path}: {error}") from error
    except RecursionError as error:
        raise BadMapping(f"{path}: this is nested too deep.") from error


def read_told(told: Any) -> Told:
    """Raises BadMapping."""
    try:
        return Told.model_validate(told)
    except ValidationError as error:
        [flaw, *_] = error.errors()
        raise BadMapping(f"{'.'.join(map(str, flaw['loc']))}: {flaw['msg']}.") from error


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """`A=B` each. The last equals sign counts, because columns are named by others. Raises BadMapping."""
    found = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not (equals and name and value):
            raise BadMapping(f"{option} wants two names with an equals sign between them, not {text!r}.")
        found[name] = value
    return found


def constants(texts: Sequence[str]) -> dict[str, str]:
    """`TARGET=TEXT` each; the first equals sign counts. Raises BadMapping."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise BadMapping(f"--constant wants a target and a text, such as kind=identify, not {text!r}.")
        found[name] = value
    return found


def format_of(path: Path, format: str | None) -> str:
    """What was told, or what the name of the file tells. Raises BadMapping."""
    found = format or _ENDINGS.get(path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix)
    if found is None:
        raise BadMapping(f"The name {path.name} does not tell a format. Say --format csv, jsonl or xes.")
    return found


def order(path: Path, format: str | None, told: Told, source: str | None) -> Order:
    """Raises BadMapping."""
    columns: dict[str, Target | None] = {column: read_target(text) for column, text in told.columns.items()}
    for place in told.constants:
        read_target(place)
    encoding = told.encoding or "utf-8"
    _check_encoding(encoding)
    _check_time_format(told.time_format)
    try:
        zone = None if told.timezone is None else ZoneInfo(told.timezone)
    except LookupError as error:  # ZoneInfoNotFoundError is one
        raise BadMapping(f"Nothing is known by this name: {error}.") from error
    except (ValueError, OSError) as error:  # OSError: a folder of zones
        raise BadMapping(f"There is no such time zone: {told.timezone}.") from error
    plan = Plan(columns, told.constants, told.others != "ignore", Times(told.time_format, zone))
    return Order(path, format_of(path, format), Dialect(encoding, told.delimiter), plan, source)


def _check_encoding(encoding: str) -> None:
    try:
        is_usable = _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except LookupError as error:
        raise BadMapping(f"Nothing is known by this name: {error}.") from error
    except UnicodeError:
        is_usable = False
    if not is_usable:
        raise BadMapping(f"Lines in {encoding} cannot be told apart. Save the file as UTF-8.")


def _check_time_format(format: str | None) -> None:
    try:
        datetime.strptime("", format or "")  # noqa: DTZ007
    except re.error as error:
        raise BadMapping(f"A time format says everything once, and not as {format!r}.") from error
    except ValueError:  # an empty text is no moment
        return
