"""What every reader of a file gives: one row for each event, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from infra.local.history.failures import FileUnusable


class Row(NamedTuple):
    number: int
    """Of the event in the file, from 1."""
    line: int
    """Where it begins in the file, from 1."""
    values: Mapping[str, Any]
    """By column; what is empty or absent is left out."""
    flaw: str | None = None
    """Why the row means nothing; `values` then show what is there."""


class Rows(Protocol):
    """The rows of a file, read as they are asked for."""

    @property
    def columns(self) -> list[str] | None:
        """All there are; None if each row may have others."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Raises FileUnusable."""
        ...


def shown(text: str, longest: int) -> str:
    """What stands in a file as it may be shown on a terminal, which obeys some characters instead of showing them."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(character if character.isprintable() else "\ufffd" for character in cut)


def unusable(path: Path, line: int, reason: str) -> FileUnusable:
    return FileUnusable(f"{path.name}, line {line:,}: {reason}")
