"""What a hypothesis may measure, in words that can be computed.

    rate of reaching B            of the instances, those that come to B
    rate of reaching B from A     of those that come to A, those that come to B behind it; `within P7D` narrows it
    share with reason EXTRA_COST  of the instances that ended without their goal, those with that reason
    mean emotion at A             from -2 to 2; with `>= 0.5`, the share of instances that feel at least so
    conformance                   the mean fitness, from 0 to 1; with `>= 0.8`, the share of instances that reach it

A and B are keys of touchpoints or phases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.chassis.durations import parse_duration
from infra.chassis.errors import Flaw
from services.journeys.domain.model import Model

_KEY = r"[a-z0-9][a-z0-9._-]*"
_AT_LEAST = r"(?: (?:>=|≥) (?P<threshold>-?\d+(?:\.\d+)?))?"
_MEASURES = (
    re.compile(rf"rate of reaching (?P<to>{_KEY})(?: from (?P<from>{_KEY}))?(?: within (?P<within>\S+))?"),
    re.compile(
        r"share with reason (?:EXTRA_COST|PAYMENT_OPTIONS|DELIVERY_TIME|PAUSED|NEW_CIRCUMSTANCES|UNCLEAR_INFORMATION"
        r"|OTHER|UNKNOWN)"
    ),
    re.compile(rf"mean emotion at (?P<at>{_KEY}){_AT_LEAST}"),
    re.compile(rf"conformance{_AT_LEAST}"),
)
_PLACES = ("to", "from", "at")


def unclear_measures(model: Model) -> Iterator[Flaw]:
    """Hypotheses on which nothing could ever give a verdict, each with what is unclear about it."""
    known = {phase.key for phase in model.phases} | {touchpoint.key for _, touchpoint in model.touchpoints()}
    for number, hypothesis in enumerate(model.hypotheses):
        place = ("hypotheses", str(number))
        matches = (pattern.fullmatch(" ".join(hypothesis.measure.split())) for pattern in _MEASURES)
        found = next((match for match in matches if match is not None), None)
        if found is None:
            message = (
                "No verdict can be given on this measure. Write one of: rate of reaching B from A within P7D; "
                "share with reason EXTRA_COST; mean emotion at A; conformance >= 0.8."
            )
            yield Flaw("MEASURE_UNKNOWN", message, (*place, "measure"))
            continue
        parts = found.groupdict()
        for key in (parts[name] for name in _PLACES if parts.get(name)):
            if key not in known:
                message = f"The measure speaks of {key!r}, which is neither a phase nor a touchpoint of this journey."
                yield Flaw("MEASURE_UNKNOWN_KEY", message, (*place, "measure"))
        if parts.get("within") and not _is_duration(parts["within"]):
            message = f"{parts['within']!r} is not a duration of weeks, days and times, such as P7D."
            yield Flaw("MEASURE_UNKNOWN", message, (*place, "measure"))
        low, high = (-2, 2) if "at" in parts and not parts["threshold"] else (0, 1)
        if not low <= hypothesis.claim <= high:
            message = f"This measure lies between {low} and {high}; {hypothesis.claim:g} can never be observed."
            yield Flaw("CLAIM_OUT_OF_RANGE", message, (*place, "claim"))


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True
