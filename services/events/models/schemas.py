"""What is told to a service that has published something."""

from __future__ import annotations

from typing import TypedDict


class Refreshed(TypedDict):
    """The newest version of each model that is in the log."""

    versions: dict[str, int]
