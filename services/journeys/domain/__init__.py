"""What a valid journey model is, and what publishing it means. Pure: no I/O, no clock, no randomness."""

from services.journeys.domain.judgement import (
    LONGEST_PATIENCE,
    MOST_RULES,
    Judgement,
    judge,
    require_no_open_runs,
    require_publishable,
    strands_open_runs,
)
from services.journeys.domain.model import Hypothesis, Model, Path, Phase, Touchpoint

__all__ = [
    "LONGEST_PATIENCE",
    "MOST_RULES",
    "Hypothesis",
    "Judgement",
    "Model",
    "Path",
    "Phase",
    "Touchpoint",
    "judge",
    "require_no_open_runs",
    "require_publishable",
    "strands_open_runs",
]
