"""A journey model as far as its parts must fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Path = tuple[str, ...]
"""Into the JourneyInput: `("phases", "0", "touchpoints", "1", "recognisedBy")`."""


@dataclass(frozen=True, slots=True)
class Touchpoint:
    key: str
    recognised_by: str


@dataclass(frozen=True, slots=True)
class Phase:
    key: str
    patience: str | None
    touchpoints: tuple[Touchpoint, ...]
    means: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    key: str
    measure: str
    claim: float


@dataclass(frozen=True, slots=True)
class Model:
    """What is only described (lanes, evidence, owners) is not here."""

    phases: tuple[Phase, ...]
    rules: Mapping[str, str]
    """The rules of the journey itself by the name of their field; those left out are absent."""
    drop_offs: tuple[str, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    instance_key: str | None = None
    patience: str = "P30D"
    pause_patience: str = "P90D"

    def touchpoints(self) -> Iterator[tuple[Path, Touchpoint]]:
        for number, phase in enumerate(self.phases):
            for place, touchpoint in enumerate(phase.touchpoints):
                yield ("phases", str(number), "touchpoints", str(place)), touchpoint

    def all_rules(self) -> Iterator[tuple[Path, str]]:
        for field, text in self.rules.items():
            yield (field,), text
        for path, touchpoint in self.touchpoints():
            yield (*path, "recognisedBy"), touchpoint.recognised_by
        for number, text in enumerate(self.drop_offs):
            yield ("dropOffReasons", str(number), "when"), text
