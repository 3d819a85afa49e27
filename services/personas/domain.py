"""What a valid persona is, and how much there is behind it. Pure: no I/O, no clock, no randomness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from infra.chassis.errors import Flaw, Invalid
from infra.rules import RuleError, parse_customer_rule

LARGEST = 262_144
"""Bytes of a whole persona as it is kept."""


class Rung(StrEnum):
    """The evidence ladder, weakest first."""

    ASSUMPTION = "ASSUMPTION"
    STAFF_BRAINSTORM = "STAFF_BRAINSTORM"
    CUSTOMER_WORKSHOP = "CUSTOMER_WORKSHOP"
    CUSTOMER_DRAWN = "CUSTOMER_DRAWN"
    RESEARCH = "RESEARCH"


_LADDER = list(Rung)


def rung(evidence: Iterable[Rung]) -> Rung:
    """The rung that something stands on: the highest of its evidence; without any it is an assumption."""
    return max(evidence, key=_LADDER.index, default=Rung.ASSUMPTION)


def confidence(own: Rung, items: Iterable[Rung]) -> Rung:
    """The highest rung that everything a persona claims reaches.

    `own` is the rung of the persona's evidence, which stands behind all of it; `items` are the rungs of its items. An
    item reaches the higher of its own rung and the persona's, so the weakest item decides unless the persona as a whole
    stands higher. More evidence never lowers the confidence, and another claim never raises it.
    """
    claims = [max(own, item, key=_LADDER.index) for item in items]
    return min(claims, key=_LADDER.index, default=own)


@dataclass(frozen=True, slots=True)
class Persona:
    """The parts of a persona that can be wrong in themselves; what is only told is not here."""

    matches: str | None
    channels: tuple[str, ...]
    size: int


def judge(persona: Persona) -> tuple[Flaw, ...]:
    """Everything that is wrong about a persona, drafts included; each flaw says where."""
    flaws: list[Flaw] = []
    if persona.matches is not None:
        try:
            parse_customer_rule(persona.matches)
        except RuleError as error:
            flaws.append(Flaw(error.code, error.message, ("matches",), error.line, error.column))
    for number, channel in enumerate(persona.channels):
        if channel in persona.channels[:number]:
            message = f"The channel {channel!r} is weighed already."
            flaws.append(Flaw("DUPLICATE_CHANNEL", message, ("mediaPreferences", str(number), "channel")))
    if persona.size > LARGEST:
        flaws.append(Flaw("TOO_LARGE", f"A persona has at most {LARGEST:,} bytes, this one {persona.size:,}."))
    return tuple(flaws)


def insist(persona: Persona) -> None:
    """Raises Invalid, with the code of the first flaw, unless there is none."""
    flaws = judge(persona)
    if flaws:
        raise Invalid(flaws[0].message, code=flaws[0].code, errors=flaws)
