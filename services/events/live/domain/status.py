"""Where an instance stands."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where an instance stands. Only a completed one may still change after its end, by a cancellation or a return."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    ABANDONED = "ABANDONED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
