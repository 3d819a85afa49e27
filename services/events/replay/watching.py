"""What a replay says while it works."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    LEVELLING = "publishing what is left"
    IDENTIFYING = "reading the log"
    SORTING = "sorting it by customer"
    FOLDING = "folding customers"
    FINISHING = "building indexes"
    CATCHING_UP = "catching up"
    SWITCHING = "switching over"


Watch = Callable[[Stage, int, int], None]
"""Is told how many entries of the log a stage is through with, of how many; 0 of 0 if it does not count."""
