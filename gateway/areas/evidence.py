"""What personas, map items and hypotheses are based on."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from gateway.scalars import DateTime
from gateway.vocabulary import Rung


@strawberry.type
class Evidence:
    rung: Rung
    kind: str
    summary: str
    date: DateTime | None
    sample_size: int | None
    url: str | None


@strawberry.input
class EvidenceInput:
    rung: Rung
    kind: str
    summary: str
    date: DateTime | None = UNSET
    sample_size: int | None = UNSET
    url: str | None = UNSET
